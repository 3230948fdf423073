#include "bench/median.h"

#include <gtest/gtest.h>

namespace gristmill::bench {
namespace {

TEST(MedianTest, IsTheMiddleOneOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({7}), 7);
}

TEST(MedianTest, QuantileIsAValueThatThatPartDoesNotExceed) {
  std::vector<double> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(i);
  EXPECT_EQ(quantile(values, 0.99), 990);
  EXPECT_EQ(quantile(values, 1), 1000);
  EXPECT_EQ(quantile({5}, 0.01), 5);
}

TEST(MedianTest, OfRatiosGoesRoundByRound) {
  // The second round was twice as slow for both.
  EXPECT_EQ(median_ratio({1, 2, 1}, {2, 4, 2}), 0.5);
}

}  // namespace
}  // namespace gristmill::bench
