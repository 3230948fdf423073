// Section C: what workers write. README.md has the rows that are tested elsewhere.
#include "tests/fault/fault_test.h"

namespace gristmill::test {
namespace {

using CorruptionFaults = FaultTest;

TEST_F(CorruptionFaults, Fault28_TheSizeOfSharedMemoryIsNobodysToChange) {
  const auto engine = fault_engine(3);
  const Result result = engine->submit(fault_at(-1, "resize")).wait();
  expect_exact(result);
  EXPECT_EQ(result.summary().faults.attempt_count, 0);
  expect_good_engine(*engine);
}

}  // namespace
}  // namespace gristmill::test
