#pragma once

#include <gtest/gtest.h>

namespace gristmill::test {

// Turns a test that hangs into a failure: prints where all threads of this process and its children
// are, and aborts. The limit is GRISTMILL_TEST_LIMIT seconds for each test, else 300.
class Watchdog : public testing::EmptyTestEventListener {
 public:
  Watchdog();
  void OnTestStart(const testing::TestInfo& test) override;

  // The same for what is no test, and for the parts of a long one: the limit counts from here.
  static void restart();
};

}  // namespace gristmill::test
