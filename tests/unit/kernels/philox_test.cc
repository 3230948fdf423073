#include <gristmill/philox.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gristmill::kernel {
namespace {

static_assert(std::uniform_random_bit_generator<Philox>);

// The known answers of Random123, tests/kat_vectors, philox4x32 of 10 rounds.
TEST(PhiloxTest, GivesTheKnownAnswers) {
  EXPECT_EQ(Philox::block({0, 0, 0, 0}, {0, 0}),
            (Philox::Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Philox::block({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Philox::Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      Philox::block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Philox::Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(PhiloxTest, CountersAndKeysAreLaidOutAsDocumented) {
  Philox random(0x1111222233334444, 0x5555666677778888);
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (const std::uint32_t word :
         Philox::block({block, 0, 0x77778888, 0x55556666}, {0x33334444, 0x11112222})) {
      EXPECT_EQ(random(), word);
    }
  }
}

TEST(PhiloxTest, BlocksAreCountedInSixtyFourBits) {
  Philox random(1, 2);
  random.discard(std::uint64_t{1} << 34);
  EXPECT_EQ(random(), Philox::block({0, 1, 2, 0}, {1, 0})[0]);
}

TEST(PhiloxTest, SixtyFourBitsAreTwoWordsTheLowerFirst) {
  Philox words(3, 4);
  Philox wide(3, 4);
  const std::uint64_t lower = words();
  const std::uint64_t upper = words();
  EXPECT_EQ(wide.bits64(), lower | upper << 32);
}

TEST(PhiloxTest, DiscardIsDrawingWithoutALook) {
  for (std::uint64_t before = 0; before < 6; ++before) {
    for (std::uint64_t skipped = 0; skipped < 15; ++skipped) {
      Philox drawn(5, 6);
      Philox discarded(5, 6);
      for (std::uint64_t i = 0; i < before; ++i) EXPECT_EQ(drawn(), discarded());
      for (std::uint64_t i = 0; i < skipped; ++i) drawn();
      discarded.discard(skipped);
      for (int i = 0; i < 5; ++i) EXPECT_EQ(drawn(), discarded()) << before << " " << skipped;
    }
  }
}

TEST(PhiloxTest, AnotherSeedOrItemIsAnotherStream) {
  std::vector<std::uint32_t> first;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    for (const std::uint64_t item : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
      first.push_back(Philox(seed, item)());
    }
  }
  std::sort(first.begin(), first.end());
  EXPECT_EQ(std::unique(first.begin(), first.end()), first.end());
}

TEST(PhiloxTest, ServesTheStandardLibrary) {
  std::array<int, 5> numbers = {1, 2, 3, 4, 5};
  Philox random(1, 1);
  std::shuffle(numbers.begin(), numbers.end(), random);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(numbers, (std::array<int, 5>{1, 2, 3, 4, 5}));
}

TEST(PhiloxTest, UniformNumbersAreMultiplesBelowOne) {
  Philox random(7, 8);
  Philox same(7, 8);
  double sum = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.uniform();
    ASSERT_EQ(x * 0x1p53, static_cast<double>(same.bits64() >> 11));
    ASSERT_LT(x, 1);
    sum += x;
  }
  // Within four standard errors.
  EXPECT_NEAR(sum / kCount, 0.5, 4 * std::sqrt(1.0 / 12 / kCount));
}

TEST(PhiloxTest, BelowIsUnbiased) {
  for (const std::uint64_t bound :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{7}, std::uint64_t{3} << 30,
        std::uint64_t{1} << 32, std::uint64_t{3} << 62, ~std::uint64_t{0}}) {
    Philox random(9, bound);
    constexpr int kCount = 30'000;
    const std::uint64_t parts = std::min<std::uint64_t>(bound, 3);
    std::array<int, 3> counts = {};
    for (int i = 0; i < kCount; ++i) {
      const std::uint64_t x = random.below(bound);
      ASSERT_LT(x, bound);
      ++counts[bound <= 7 ? x % parts : std::min<std::uint64_t>(x / (bound / 3), 2)];
    }
    for (std::uint64_t part = 0; part < parts; ++part) {
      // 7 has three remainders of 0 and two of the others.
      const double share =
          bound == 7 ? (part == 0 ? 3.0 / 7 : 2.0 / 7) : 1 / static_cast<double>(parts);
      EXPECT_NEAR(counts[part], kCount * share, 4 * std::sqrt(kCount * share)) << bound;
    }
  }
}

TEST(PhiloxTest, BelowRejectsTheWordsThatWouldBias) {
  // 3 * 2^30 goes once into 2^32: of a product's lower halves those below 2^30 are too many.
  constexpr std::uint64_t kBound = std::uint64_t{3} << 30;
  Philox random(10, 11);
  Philox words(10, 11);
  int rejected = 0;
  for (int i = 0; i < 1000; ++i) {
    std::uint64_t product = words() * kBound;
    while (static_cast<std::uint32_t>(product) < (1u << 30)) {
      product = words() * kBound;
      ++rejected;
    }
    ASSERT_EQ(random.below(kBound), product >> 32);
  }
  EXPECT_GT(rejected, 200);
}

TEST(PhiloxTest, BelowOfAWideBoundIsTheUpperHalfOfAProduct) {
  Philox random(12, 13);
  Philox words(12, 13);
  EXPECT_EQ(random.below(std::uint64_t{1} << 40), words.bits64() >> 24);
}

struct Quantile {
  std::int64_t odd;
  double value;  // by mpmath, in 60 digits
};
constexpr Quantile kQuantiles[] = {{1, 1.3588459104842611925e-19},
                                   {1099511627777, 1.4940668789346752126e-7},
                                   {4611686018427387905, 0.67448975019608174337},
                                   {7839866231326559437, 1.4395314709384559154},
                                   {7839866231326559441, 1.439531470938455917},
                                   {9222246136947933183, 3.8419306855019106529},
                                   {9223371899415822335, 5.6626976174581905781},
                                   {9223372036854751117, 7.9051084853048193353},
                                   {9223372036854775805, 8.9598024361360137249},
                                   {9223372036854775807, 9.0801551248736126692}};

TEST(PhiloxTest, TheInverseOfTheNormalDistributionIsExactToFifteenDigits) {
  for (const Quantile& quantile : kQuantiles) {
    const double x = Philox::inverse_normal(quantile.odd);
    EXPECT_NEAR(x / quantile.value, 1, 1e-15) << quantile.odd;
    EXPECT_EQ(Philox::inverse_normal(-quantile.odd), -x);
  }
}

TEST(PhiloxTest, NormalNumbersHaveTheMomentsOfTheDistribution) {
  constexpr int kCount = 200'000;
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  int within = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = Philox(14, static_cast<std::uint64_t>(i)).normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    within += std::abs(x) < 1 ? 1 : 0;
  }
  const double error = 4 / std::sqrt(kCount);
  EXPECT_NEAR(sum / kCount, 0, error);
  EXPECT_NEAR(squares / kCount, 1, error * std::sqrt(2));
  EXPECT_NEAR(fourth / kCount, 3, error * std::sqrt(96));
  EXPECT_NEAR(within / double{kCount}, 0.6826894921370859, error / 2);
}

// Whatever compiler, optimisation and instruction set: a change of this number changes what users
// have computed.
TEST(PhiloxTest, TheNumbersNeverChange) {
  Philox random(42, 7);
  std::uint64_t hash = 0;
  const auto add = [&hash](std::uint64_t bits) { hash = hash * 6364136223846793005 + bits; };
  for (int i = 0; i < 10'000; ++i) {
    add(std::bit_cast<std::uint64_t>(random.normal()));
    add(std::bit_cast<std::uint64_t>(random.uniform()));
    add(random.below(1'000'003));
    add(random.below(std::uint64_t{1} << 40));
  }
  EXPECT_EQ(hash, 1806507388057062739u);
}

}  // namespace
}  // namespace gristmill::kernel
