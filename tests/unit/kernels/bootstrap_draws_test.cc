// The loops in each instruction set that this CPU has.

#include "kernels/bootstrap_draws.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>
#include <gristmill/philox.hpp>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

using Draws = std::vector<std::uint32_t>;

constexpr std::uint32_t kElements[] = {1,          2,          3,          1000,      3'000'000,
                                       0x80000000, 0x80000001, 0xC0000000, 0xFFFFFFFF};

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class BootstrapDrawsTest : public testing::TestWithParam<const BootstrapLoops*> {
 protected:
  const BootstrapLoops& loops() const { return *GetParam(); }
  Draws philox(const Sample& sample, std::uint64_t first) const {
    Draws draws(kDrawsAtOnce);
    loops().philox(sample, first, draws.data());
    return draws;
  }
  Draws splitmix64(const Sample& sample, std::uint64_t first) const {
    Draws draws(kDrawsAtOnce);
    loops().splitmix64(sample, first, draws.data());
    return draws;
  }
};

TEST_P(BootstrapDrawsTest, SplitMixFollowsItsRule) {
  for (const std::uint32_t elements : kElements) {
    const Sample sample{0xFFFFFFFFFFFFFFFF, 43, elements};
    for (const std::uint64_t first : {0, 10 * kDrawsAtOnce}) {
      const Draws draws = splitmix64(sample, first);
      for (std::size_t i = 0; i < draws.size(); ++i) {
        const std::uint64_t r = mix(mix(42) + first + i);
        ASSERT_EQ(draws[i], ((r >> 32) * elements) >> 32);
      }
    }
  }
}

TEST_P(BootstrapDrawsTest, PhiloxDrawsTheWordsOfTheStreamOfItsSample) {
  for (const std::uint32_t elements : kElements) {
    const Sample sample{0x123456789ABCDEF0, 0xFEDCBA9876543210, elements};
    for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xFFFFFC00}}) {
      kernel::Philox words(sample.seed, sample.number);
      words.discard(first);
      const Draws draws = philox(sample, first);
      int rejected = 0;
      for (std::size_t i = 0; i < draws.size(); ++i) {
        const std::uint64_t product = std::uint64_t{words()} * elements;
        if (static_cast<std::uint32_t>(product) < (std::uint64_t{1} << 32) % elements) {
          ++rejected;
          ASSERT_EQ(draws[i], redrawn(sample, first + i));
        } else {
          ASSERT_EQ(draws[i], product >> 32);
        }
      }
      EXPECT_EQ(rejected > 200, elements > 0x80000000 && elements < 0xFFFFFFFF);
    }
  }
}

TEST_P(BootstrapDrawsTest, ElementsAreAddedByTheirIndices) {
  const std::vector<std::int16_t> values = {1, -10, 100, -1000, 10'000, 7};
  const Draws draws = {2, 2, 1, 0, 0, 1, 2, 1, 0, 0, 2};
  DrawnSum sum{5, 0};
  loops().add[GM_INT16](values.data(), 1, draws.data(), static_cast<int>(draws.size()), sum);
  EXPECT_EQ(sum.whole, 5 + 4 * 100 + 3 * -10 + 4 * 1);
  loops().add[GM_INT16](values.data(), 2, draws.data(), 3, sum);
  EXPECT_EQ(sum.whole, 379 + 10'000 + 10'000 + 100);
}

template <class T>
void expect_sum(const BootstrapLoops& loops, T value, std::int64_t expected) {
  const Draws draws(20);
  DrawnSum sum{};
  loops.add[kernel::dtype_of<T>()](&value, 1, draws.data(), 20, sum);
  EXPECT_EQ(sum.whole, expected);
}

TEST_P(BootstrapDrawsTest, AddsAnyWholeNumbers) {
  expect_sum<std::int8_t>(loops(), -128, -2560);
  expect_sum<std::uint8_t>(loops(), 255, 5100);
  expect_sum<std::int16_t>(loops(), -32768, -655'360);
  expect_sum<std::uint16_t>(loops(), 65535, 1'310'700);
  expect_sum<std::int32_t>(loops(), std::numeric_limits<std::int32_t>::min(), -42'949'672'960);
  expect_sum<std::uint32_t>(loops(), 0xFFFFFFFF, 85'899'345'900);
  expect_sum<std::int64_t>(loops(), -(std::int64_t{1} << 58), -20 * (std::int64_t{1} << 58));
  expect_sum<std::uint64_t>(loops(), std::uint64_t{1} << 58, 20 * (std::int64_t{1} << 58));
}

TEST_P(BootstrapDrawsTest, FloatingPointSumsHaveTheSameBits) {
  std::vector<double> wide;
  std::vector<float> narrow;
  kernel::Philox random(1, 1);
  for (int i = 0; i < 1000; ++i) {
    wide.push_back(random.normal());
    narrow.push_back(static_cast<float>(wide.back()));
  }
  const Draws draws = philox({1, 2, 1000}, 0);
  for (const int count : {0, 1, 7, 8, 9, 1000, 1024}) {
    DrawnSum sum{};
    DrawnSum expected{};
    loops().add[GM_FLOAT64](wide.data(), 1, draws.data(), count, sum);
    kBootstrapBaseline.add[GM_FLOAT64](wide.data(), 1, draws.data(), count, expected);
    EXPECT_EQ(sum.real, expected.real);
    double plain = 0;
    for (int i = 0; i < count; ++i) plain += wide[draws[static_cast<std::size_t>(i)]];
    EXPECT_NEAR(sum.real, plain, 1e-12);
    sum = expected = {};
    loops().add[GM_FLOAT32](narrow.data(), 1, draws.data(), count, sum);
    kBootstrapBaseline.add[GM_FLOAT32](narrow.data(), 1, draws.data(), count, expected);
    EXPECT_EQ(sum.real, expected.real);
    EXPECT_NEAR(sum.real, plain, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, BootstrapDrawsTest,
                         testing::ValuesIn(supported_bootstrap().begin(),
                                           supported_bootstrap().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

TEST(RedrawnTest, NoIndexIsLikelierThanAnother) {
  // Of two thirds of all words 0xC0000000 = 3 * 2^30 takes one more of every third index.
  constexpr int kCount = 30'000;
  int counts[3] = {};
  for (std::uint64_t draw = 0; draw < kCount; ++draw) {
    ++counts[redrawn({1, 2, 0xC0000000}, draw) % 3];
  }
  for (const int count : counts) EXPECT_NEAR(count, kCount / 3, 4 * std::sqrt(kCount / 3));
}

TEST(RedrawnTest, TakesTheFirstWordsOfBlocksThatTheStreamDoesNotReach) {
  const Sample sample{3, 4, 1000};
  const auto block = kernel::Philox::block({77, 0x80000000, 4, 0}, {3, 0});
  EXPECT_EQ(redrawn(sample, 77), (std::uint64_t{block[0]} * 1000) >> 32);
}

}  // namespace
}  // namespace gristmill::kernels
