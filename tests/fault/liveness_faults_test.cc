// Section B: hangs. README.md has the rows that are tested elsewhere.
#include <sys/wait.h>

#include "tests/fault/fault_test.h"
#include "tests/support/control_group.h"
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

// A process that the freezer of version 1 holds does not die before it is let go, and says that it
// is in state D.
class UninterruptibleFaults : public FaultTest {
 protected:
  void SetUp() override {
    std::string why_not;
    freezer_ = ControlGroup::create("freezer", "freezer.state", why_not);
    if (!freezer_) GTEST_SKIP() << why_not;
  }
  // The worker is in the chunk of kItem when this returns.
  pid_t freeze_worker_in_chunk(const GateFolder& gate) const {
    const pid_t worker = gate.wait_for_worker_at(kItem);
    EXPECT_TRUE(freezer_->add(worker));
    EXPECT_TRUE(freezer_->write("freezer.state", "FROZEN"));
    wait_until([&] { return process_state(worker) == 'D'; });
    return worker;
  }
  void thaw() const { EXPECT_TRUE(freezer_->write("freezer.state", "THAWED")); }

  static JobSpec waiting_at_gate(const GateFolder& gate) {
    JobSpec spec = fault_at(kItem, "wait", gate.path());
    spec.faults.chunk_timeout = std::chrono::milliseconds(300);
    return spec;
  }

  std::unique_ptr<ControlGroup> freezer_;
};

TEST_F(UninterruptibleFaults, Fault15_OthersGoOnAndTheChunkGoesBackWhenTheProcessEnds) {
  const GateFolder gate;
  const auto engine = fault_engine(2);
  Job job = engine->submit(waiting_at_gate(gate));
  const pid_t worker = freeze_worker_in_chunk(gate);
  gate.open();
  wait_until([&] { return child_processes().size() == 4; });
  wait_until([&] { return job.progress().items_done == kItems - kChunkItems; });
  EXPECT_EQ(process_state(worker), 'D');
  EXPECT_EQ(gate.workers_at(kItem).size(), 1U) << "nobody else was in its chunk";
  thaw();
  const Result result = job.wait();
  expect_exact(result);
  EXPECT_EQ(result.summary().faults.lost, 1);
  ASSERT_EQ(result.summary().faults.attempts.size(), 1U);
  EXPECT_EQ(result.summary().faults.attempts[0].chunk, kChunk);
  EXPECT_EQ(result.summary().faults.attempts[0].cause, FaultCause::kTimeout);
  expect_good_engine(*engine);
}

TEST_F(UninterruptibleFaults, Fault15_NeitherACancelNorTheEndOfTheEngineWaitsForEver) {
  const GateFolder gate;
  auto engine = fault_engine(2);
  Job job = engine->submit(waiting_at_gate(gate));
  const pid_t worker = freeze_worker_in_chunk(gate);
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  engine.reset();
  EXPECT_EQ(process_state(worker), 'D');
  thaw();
  EXPECT_EQ(waitpid(worker, nullptr, 0), worker) << "it was left to this program";
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
