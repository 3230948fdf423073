#include "engine/restart_limiter.h"

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RestartLimiterTest : public testing::Test {
 protected:
  RestartLimiter limiter_{2};
  const RestartLimiter::Clock::time_point start_{seconds(1000)};
};

TEST_F(RestartLimiterTest, PausesAreDoubledAndThenTheSlotIsGivenUp) {
  milliseconds pause = RestartLimiter::kFirstPause;
  for (std::size_t i = 0; i < RestartLimiter::kMostDeaths; ++i) {
    EXPECT_EQ(limiter_.after_nothing(0, false, start_), start_ + pause);
    pause *= 2;
  }
  EXPECT_FALSE(limiter_.after_nothing(0, false, start_));
}

TEST_F(RestartLimiterTest, SlotsAndKillsFromOutsideAreCountedApart) {
  for (std::size_t i = 0; i < RestartLimiter::kMostDeaths; ++i) {
    EXPECT_TRUE(limiter_.after_nothing(0, false, start_));
  }
  EXPECT_TRUE(limiter_.after_nothing(1, false, start_));
  for (std::size_t i = 0; i < RestartLimiter::kMostKills; ++i) {
    const auto next = limiter_.after_nothing(0, true, start_);
    ASSERT_TRUE(next);
    EXPECT_LE(*next, start_ + RestartLimiter::kLongestPause);
  }
  EXPECT_FALSE(limiter_.after_nothing(0, true, start_));
}

TEST_F(RestartLimiterTest, WhatIsLongAgoIsForgotten) {
  for (std::size_t i = 0; i < RestartLimiter::kMostDeaths; ++i) {
    limiter_.after_nothing(0, false, start_);
  }
  const auto later = start_ + RestartLimiter::kWindow + seconds(1);
  EXPECT_EQ(limiter_.after_nothing(0, false, later), later + RestartLimiter::kFirstPause);
}

}  // namespace
}  // namespace gristmill::engine
