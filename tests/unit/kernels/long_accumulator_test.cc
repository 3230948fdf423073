#include "kernels/long_accumulator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gristmill::kernels {
namespace {

using Limits = std::numeric_limits<double>;

double sum_of(const std::vector<double>& numbers) {
  LongAccumulator sum{};
  sum.add(numbers);
  return sum.value();
}

TEST(LongAccumulatorTest, NothingIsZero) {
  EXPECT_EQ(sum_of({}), 0);
  EXPECT_EQ(sum_of({0, 0}), 0);
}

TEST(LongAccumulatorTest, OneNumberIsItself) {
  for (const double number : {1.0, 0.1, Limits::max(), Limits::min(), Limits::denorm_min(),
                              Limits::min() - Limits::denorm_min(), 0x1.fffffffffffffp-500}) {
    EXPECT_EQ(sum_of({number}), number);
  }
  for (int exponent = -1074; exponent <= 1023; ++exponent) {
    const double number = std::ldexp(1.0, exponent);
    EXPECT_EQ(sum_of({number}), number);
    EXPECT_EQ(sum_of({number, number, number}), 3 * number);
  }
}

TEST(LongAccumulatorTest, SmallNumbersAreNotLost) {
  std::vector<double> numbers(1 << 20, 0x1p-60);
  numbers.push_back(1);
  EXPECT_EQ(sum_of(numbers), 1 + 0x1p-40);
  EXPECT_EQ(sum_of({Limits::max() / 2, Limits::denorm_min()}), Limits::max() / 2);
}

TEST(LongAccumulatorTest, TheSumIsRoundedToNearestEven) {
  EXPECT_EQ(sum_of({1, 0x1p-53}), 1);
  EXPECT_EQ(sum_of({1 + 0x1p-52, 0x1p-53}), 1 + 0x1p-51);
  EXPECT_EQ(sum_of({1, 0x1p-53, Limits::denorm_min()}), 1 + 0x1p-52);
  EXPECT_EQ(sum_of({1, 0x1p-53, 0x1p-120}), 1 + 0x1p-52);
}

TEST(LongAccumulatorTest, MoreThanTheLargestNumberIsInfinite) {
  EXPECT_EQ(sum_of({Limits::max(), Limits::max()}), Limits::infinity());
}

TEST(LongAccumulatorTest, AnyOrderAndAnyPartsGiveTheSameBits) {
  std::mt19937_64 random(1);
  std::vector<double> numbers;
  while (numbers.size() < 2000) {
    numbers.push_back(std::ldexp(1 + static_cast<double>(random() >> 11) * 0x1p-53,
                                 static_cast<int>(random() % 120) - 60));
  }
  const double expected = sum_of(numbers);
  long double check = 0;
  for (const double number : numbers) check += number;
  EXPECT_NEAR(expected, static_cast<double>(check), expected * 1e-15);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(numbers.begin(), numbers.end(), random);
    EXPECT_EQ(sum_of(numbers), expected);
    LongAccumulator parts[3] = {};
    for (const double& number : numbers) parts[random() % 3].add({&number, 1});
    parts[0].add(parts[1]);
    parts[2].add(parts[0]);
    EXPECT_EQ(parts[2].value(), expected);
  }
}

}  // namespace
}  // namespace gristmill::kernels
