#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

class PlannerDeathTest : public ProcessTest {};

// It was started last, and is killed while it has nothing to do, or in the middle of an answer.
TEST_F(PlannerDeathTest, Fault03_AKilledPlannerIsReplacedAndNobodyNotices) {
  const auto engine = engine_of(2);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(signal_child(child_processes().back(), SIGKILL));
    expect_good_engine(*engine);
  }
}

}  // namespace
}  // namespace gristmill::test
