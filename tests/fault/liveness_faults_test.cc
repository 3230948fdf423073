// Section B: hangs. README.md has the rows that are tested elsewhere.
#include "tests/fault/fault_test.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

using LivenessFaults = FaultTest;

class HangFaults : public FaultTest, public testing::WithParamInterface<const char*> {};

TEST_P(HangFaults, Fault13_AChunkBeyondItsDeadlineIsKilledAndConvicted) {
  const TemporaryFolder folder;
  const auto engine = fault_engine(3);
  expect_convicted(engine->submit(skipped_fault(GetParam(), folder.path())).wait(),
                   FaultCause::kTimeout);
  expect_good_engine(*engine);
}

INSTANTIATE_TEST_SUITE_P(Ways, HangFaults, testing::Values("spin", "sigstop", "read_fifo"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(LivenessFaults, Fault14_AKernelThatBlocksAllSignalsIsKilledLikeAnyOther) {
  const auto engine = fault_engine(3);
  expect_convicted(engine->submit(skipped_fault("block_signals")).wait(), FaultCause::kTimeout);
  expect_good_engine(*engine);
}

TEST_F(LivenessFaults, Fault16_ASlowChunkWithinItsDeadlineIsLeftAlone) {
  const auto engine = fault_engine(3);
  JobSpec spec = fault_at(-1, "slow");
  spec.faults.chunk_timeout = std::chrono::seconds(30);
  const Result result = engine->submit(spec).wait();
  expect_exact(result);
  EXPECT_EQ(result.summary().faults.attempt_count, 0);
}

}  // namespace
}  // namespace gristmill::test
