#include "engine/hang_watch.h"

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

using std::chrono::seconds;

const HangWatch::Clock::time_point kStart{seconds(1000)};

TEST(HangWatchTest, TimeRunsFromTheFirstLookAtAStamp) {
  HangWatch watch(2);
  EXPECT_EQ(watch.look(0, 7, kStart), seconds(0));
  EXPECT_EQ(watch.look(0, 7, kStart + seconds(3)), seconds(3));
  EXPECT_EQ(watch.look(1, 7, kStart + seconds(3)), seconds(0));
  EXPECT_EQ(watch.look(0, 8, kStart + seconds(4)), seconds(0));
  EXPECT_EQ(watch.look(0, 8, kStart + seconds(5)), seconds(1));
}

TEST(HangWatchTest, ANewOrderBeginsAnew) {
  HangWatch watch(1);
  watch.look(0, 7, kStart);
  watch.reset(0, kStart + seconds(2));
  EXPECT_EQ(watch.look(0, 7, kStart + seconds(3)), seconds(0));
  watch.reset(0, kStart + seconds(4));
  EXPECT_EQ(watch.look(0, 0, kStart + seconds(6)), seconds(2)) << "it has not begun a chunk";
}

TEST(HangWatchTest, APauseOfTheCoordinatorCountsForNobody) {
  HangWatch watch(1);
  watch.look(0, 7, kStart);
  watch.forgive(seconds(10));
  EXPECT_EQ(watch.look(0, 7, kStart + seconds(11)), seconds(1));
}

}  // namespace
}  // namespace gristmill::engine
