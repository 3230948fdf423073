// The loops in each instruction set that this CPU has.

#include "kernels/window_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>
#include <gristmill/philox.hpp>

#include "kernels/instruction_set.h"
#include "kernels/ranking.h"

namespace gristmill::kernels {
namespace {

using Numbers = std::vector<double>;

constexpr double kInf = std::numeric_limits<double>::infinity();

Numbers random_numbers(std::size_t count, double offset = 0) {
  kernel::Philox random(count, 0);
  Numbers numbers(count);
  for (double& number : numbers) number = offset + random.normal();
  return numbers;
}

bool same_bits(const Numbers& a, const Numbers& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

struct Sets {
  explicit Sets(std::size_t count) : sum(count), rest(count), squares(count) {}
  Moments view() { return {sum.data(), rest.data(), squares.data()}; }
  Numbers sum, rest, squares;
};

class WindowStatisticsTest : public testing::TestWithParam<const WindowLoops*> {
 protected:
  const WindowLoops& loops() const { return *GetParam(); }
};

template <class T>
void expect_loaded(const WindowLoops& loops, const std::vector<T>& from, const Numbers& expected) {
  for (std::size_t repeats : {1u, 20u}) {
    std::vector<T> numbers;
    for (std::size_t i = 0; i < repeats; ++i)
      numbers.insert(numbers.end(), from.begin(), from.end());
    Numbers loaded(numbers.size());
    EXPECT_FALSE(loops.load[kernel::dtype_of<T>()](
        numbers.data(), static_cast<std::int64_t>(numbers.size()), loaded.data()));
    for (std::size_t i = 0; i < loaded.size(); ++i) EXPECT_EQ(loaded[i], expected[i % from.size()]);
  }
}

TEST_P(WindowStatisticsTest, LoadsEachDtype) {
  expect_loaded<std::int8_t>(loops(), {-128, 127}, {-128, 127});
  expect_loaded<std::int16_t>(loops(), {-32768, 32767}, {-32768, 32767});
  expect_loaded<std::int32_t>(loops(), {-2147483647, 5}, {-2147483647, 5});
  expect_loaded<std::int64_t>(loops(), {-(std::int64_t{1} << 62), 5}, {-0x1p62, 5});
  expect_loaded<std::uint8_t>(loops(), {255, 0}, {255, 0});
  expect_loaded<std::uint16_t>(loops(), {65535, 0}, {65535, 0});
  expect_loaded<std::uint32_t>(loops(), {4294967295, 0}, {4294967295, 0});
  expect_loaded<std::uint64_t>(loops(), {std::uint64_t{1} << 63, 3}, {0x1p63, 3});
  expect_loaded<float>(loops(), {0.5F, -1e30F}, {0.5, static_cast<double>(-1e30F)});
  expect_loaded<double>(loops(), {0.1, -kInf}, {0.1, -kInf});
}

TEST_P(WindowStatisticsTest, LoadTellsOfANan) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::vector<double> numbers(40, 1.0);
    Numbers loaded(40);
    EXPECT_FALSE(loops().load[GM_FLOAT64](numbers.data(), 40, loaded.data()));
    numbers[at] = std::nan("");
    EXPECT_TRUE(loops().load[GM_FLOAT64](numbers.data(), 40, loaded.data()));
  }
}

TEST_P(WindowStatisticsTest, LoadKnowsOneZero) {
  const Numbers zeros(20, -0.0);
  Numbers loaded(20);
  loops().load[GM_FLOAT64](zeros.data(), 20, loaded.data());
  for (const double zero : loaded) EXPECT_FALSE(std::signbit(zero));
}

TEST_P(WindowStatisticsTest, DtypesWithoutAnOrderAreLeftOut) {
  for (const gm_dtype dtype : {GM_BOOL, GM_FLOAT16, GM_COMPLEX64, GM_COMPLEX128}) {
    EXPECT_EQ(loops().load[dtype], nullptr);
  }
}

TEST_P(WindowStatisticsTest, AnArrayMayBeCombinedWithWhatLiesBehindInIt) {
  const Numbers numbers = random_numbers(200);
  for (const std::size_t shift : {1u, 2u, 7u, 16u, 100u}) {
    const auto count = static_cast<std::int64_t>(numbers.size() - shift);
    Numbers sums = numbers;
    Numbers least = numbers;
    Numbers most = numbers;
    loops().add(sums.data(), sums.data() + shift, count, sums.data());
    loops().smaller(least.data(), least.data() + shift, count, least.data());
    loops().larger(most.data(), most.data() + shift, count, most.data());
    for (std::size_t i = 0; i + shift < numbers.size(); ++i) {
      ASSERT_EQ(sums[i], numbers[i] + numbers[i + shift]);
      ASSERT_EQ(least[i], std::min(numbers[i], numbers[i + shift]));
      ASSERT_EQ(most[i], std::max(numbers[i], numbers[i + shift]));
    }
  }
}

// Squared deviations of sets of `size` in a row, merged one by one to each set.
Numbers deviations(const WindowLoops& loops, Numbers numbers, std::size_t size) {
  const auto count = static_cast<std::int64_t>(numbers.size() - size + 1);
  Sets sets(numbers.size());
  const Moments plain{numbers.data(), nullptr, nullptr};
  loops.merge({plain, {numbers.data() + 1, nullptr, nullptr}, 1, 0.5}, count, sets.view());
  for (std::size_t merged = 2; merged < size; ++merged) {
    const auto times = static_cast<double>(merged);
    loops.merge({sets.view(),
                 {numbers.data() + merged, nullptr, nullptr},
                 static_cast<std::int64_t>(merged),
                 1 / (times * (times + 1))},
                count, sets.view());
  }
  Numbers out(static_cast<std::size_t>(count));
  loops.deviation(sets.squares.data(), static_cast<double>(size), count, out.data());
  return out;
}

double deviation_of(const double* numbers, std::size_t size) {
  const long double mean =
      std::accumulate(numbers, numbers + size, 0.0L) / static_cast<long double>(size);
  long double squares = 0;
  for (std::size_t i = 0; i < size; ++i) squares += (numbers[i] - mean) * (numbers[i] - mean);
  return static_cast<double>(std::sqrt(squares / static_cast<long double>(size)));
}

TEST_P(WindowStatisticsTest, MergedSetsDeviateAsTheirNumbersDo) {
  for (const double offset : {0.0, 1e9, -1e9}) {
    const Numbers numbers = random_numbers(60, offset);
    for (const std::size_t size : {2u, 3u, 7u, 30u}) {
      const Numbers found = deviations(loops(), numbers, size);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found[i] / deviation_of(&numbers[i], size), 1, 1e-14);
      }
    }
  }
}

// Pairs, merged with others, and then with one of half of the size.
Sets merged_pairs(const WindowLoops& loops, Numbers numbers) {
  const auto count = static_cast<std::int64_t>(numbers.size());
  Sets pairs(numbers.size());
  loops.merge({{numbers.data(), nullptr, nullptr}, {numbers.data() + 1, nullptr, nullptr}, 1, 0.5},
              count - 1, pairs.view());
  const auto behind = [&](std::size_t k) {
    return Moments{&pairs.sum[k], &pairs.rest[k], &pairs.squares[k]};
  };
  Sets merged(numbers.size());
  loops.merge({pairs.view(), behind(2), 1, 0.25}, count - 5, merged.view());
  loops.merge({merged.view(), behind(4), 2, 1.0 / 12}, count - 5, merged.view());
  return merged;
}

TEST_P(WindowStatisticsTest, MergesHaveTheSameBits) {
  const Numbers numbers = random_numbers(77, 1e6);
  EXPECT_TRUE(same_bits(deviations(loops(), numbers, 5), deviations(kWindowBaseline, numbers, 5)));
  const Sets found = merged_pairs(loops(), numbers);
  const Sets by_baseline = merged_pairs(kWindowBaseline, numbers);
  EXPECT_TRUE(same_bits(found.sum, by_baseline.sum));
  EXPECT_TRUE(same_bits(found.rest, by_baseline.rest));
  EXPECT_TRUE(same_bits(found.squares, by_baseline.squares));
  EXPECT_NEAR(std::sqrt(found.squares[3] / 6), deviation_of(&numbers[3], 6), 1e-13);
}

TEST_P(WindowStatisticsTest, EqualNumbersDoNotDeviate) {
  for (const double number : {0.1, -1.0 / 3, 1e300, 5e-324}) {
    EXPECT_THAT(deviations(loops(), Numbers(40, number), 21), testing::Each(0.0)) << number;
  }
}

TEST_P(WindowStatisticsTest, ANanIsAlwaysTheSameOne) {
  const Numbers nans = {std::nan("1"), -std::nan(""), kInf - kInf, -kInf};
  const Numbers expected(4, std::numeric_limits<double>::quiet_NaN());
  Numbers out(4);
  loops().mean(nans.data(), 9, 3, out.data());
  EXPECT_EQ(std::memcmp(out.data(), expected.data(), 3 * sizeof(double)), 0);
  loops().deviation(nans.data(), 9, 4, out.data());
  EXPECT_TRUE(same_bits(out, expected));
}

TEST_P(WindowStatisticsTest, SelectsTheMedianOfAFewNumbers) {
  for (int size = 1; size <= kMostSelected; size += 2) {
    for (const std::int64_t count : {0, 1, 5, 15, 16, 17, 40}) {
      const Numbers numbers = random_numbers(static_cast<std::size_t>(count + 3 * size));
      std::vector<std::int64_t> offsets;
      for (int k = 0; k < size; ++k) offsets.push_back(k * 2);
      Numbers medians(static_cast<std::size_t>(count));
      // At the end of the memory, so that a sanitizer sees what is read behind it.
      const auto needed = static_cast<std::size_t>(count == 0 ? 0 : count + offsets.back());
      const Numbers exact(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(needed));
      loops().median(exact.data(), offsets.data(), size, count, medians.data());
      for (std::size_t i = 0; i < medians.size(); ++i) {
        Numbers seen;
        for (const std::int64_t offset : offsets) {
          seen.push_back(numbers[i + static_cast<std::size_t>(offset)]);
        }
        std::nth_element(seen.begin(), seen.begin() + size / 2, seen.end());
        ASSERT_EQ(medians[i], seen[static_cast<std::size_t>(size / 2)]) << size << " " << i;
      }
    }
  }
}

TEST_P(WindowStatisticsTest, SlidesTheMedianOverRanks) {
  const std::size_t width = 100;
  for (const double step : {0.0, 1e-3, 1.0}) {
    // Smooth, rough, and with many that are equal.
    Numbers numbers = random_numbers(3 * width);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = step == 0 ? std::round(numbers[i])
                             : std::round(numbers[i] * 5) * step + static_cast<double>(i % width);
    }
    Ranking ranking;
    ranking.rank(numbers);
    std::vector<std::uint64_t> bits(numbers.size() / 64 + 1);
    const std::vector<std::int64_t> column = {0, 100, 200};
    for (const std::int64_t columns : {1, 5, 31}) {
      const std::int64_t count = 100 - columns + 1;
      Numbers medians(static_cast<std::size_t>(count));
      loops().sliding_median(
          {ranking.ranks().data(), column.data(), 3, columns, ranking.sorted().data(), bits.data()},
          count, medians.data());
      EXPECT_THAT(bits, testing::Each(0u));
      for (std::size_t i = 0; i < medians.size(); ++i) {
        Numbers seen;
        for (const std::size_t row : {0u, 1u, 2u}) {
          for (std::size_t k = 0; k < static_cast<std::size_t>(columns); ++k) {
            seen.push_back(numbers[row * width + i + k]);
          }
        }
        std::sort(seen.begin(), seen.end());
        ASSERT_EQ(medians[i], seen[seen.size() / 2]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, WindowStatisticsTest,
                         testing::ValuesIn(supported_window().begin(), supported_window().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

}  // namespace
}  // namespace gristmill::kernels
