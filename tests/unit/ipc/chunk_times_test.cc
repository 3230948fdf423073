#include "ipc/chunk_times.h"

#include <gtest/gtest.h>

#include <random>

namespace gristmill::ipc {
namespace {

TEST(ChunkTimesTest, ABucketTellsATimeToAnEighth) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> exponent(2, 41.7);
  for (int i = 0; i < 100'000; ++i) {
    const double time = std::floor(std::exp2(exponent(random)));
    const double told = time_in_bucket(time_bucket(static_cast<std::uint64_t>(time)));
    ASSERT_NEAR(told, time, time / 8) << "for " << time << " ns";
  }
}

TEST(ChunkTimesTest, LongerTimesHaveNoLowerBuckets) {
  std::size_t last = 0;
  for (std::uint64_t time = 0; time < 100'000; ++time) {
    const std::size_t bucket = time_bucket(time);
    ASSERT_TRUE(bucket == last || bucket == last + 1) << "at " << time << " ns";
    last = bucket;
  }
}

TEST(ChunkTimesTest, TheShortestAndTheLongestHaveABucket) {
  EXPECT_EQ(time_bucket(0), 0U);
  EXPECT_EQ(time_in_bucket(0), 0);
  EXPECT_EQ(time_in_bucket(time_bucket(3)), 3);
  EXPECT_EQ(time_bucket(UINT64_MAX), kTimeBuckets - 1);
  EXPECT_GT(time_in_bucket(kTimeBuckets - 1), 3600e9);
}

}  // namespace
}  // namespace gristmill::ipc
