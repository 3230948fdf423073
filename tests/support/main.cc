#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/leak_oracle.h"
#include "tests/support/watchdog.h"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  // The thread sanitizer starts one of its own with the first, and keeps it.
  std::thread([] {}).join();
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  listeners.Append(new gristmill::test::Watchdog);
  listeners.Append(new gristmill::test::LeakOracle);
  return RUN_ALL_TESTS();
}
