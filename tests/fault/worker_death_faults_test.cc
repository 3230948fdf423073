// Section A: deaths of workers. README.md has the rows that are tested elsewhere.
#include <csignal>

#include "tests/fault/fault_test.h"

namespace gristmill::test {
namespace {

using WorkerDeathFaults = FaultTest;

TEST_F(WorkerDeathFaults, Fault05_AnIllegalInstructionIsBlamedOnItsChunk) {
  const auto engine = fault_engine(3);
  expect_convicted(engine->submit(skipped_fault("sigill")).wait(), FaultCause::kSignal);
  expect_good_engine(*engine);
}

// It unwinds the stack, which no kernel lets through: std::terminate.
TEST_F(WorkerDeathFaults, Fault06_TheEndOfTheMainThreadIsADeath) {
  const auto engine = fault_engine(3);
  expect_convicted(engine->submit(skipped_fault("pthread_exit")).wait(), FaultCause::kSignal);
  expect_good_engine(*engine);
}

TEST_F(WorkerDeathFaults, Fault09_APoisonousChunkIsGivenUpAfterItsRetriesAndOnlyIt) {
  const auto engine = fault_engine(3);
  JobSpec spec = skipped_fault("sigill");
  spec.faults.retries = 2;
  const Result result = engine->submit(spec).wait();
  expect_convicted(result, FaultCause::kSignal);
  EXPECT_EQ(result.summary().faults.attempt_count, 3);
  EXPECT_LE(result.summary().faults.restarts, 3);
}

// The engine knows its workers alone. What is left is the kernel's: see README.md.
TEST_F(WorkerDeathFaults, Fault12_AGrandchildHarmsNeitherTheJobNorTheEnd) {
  const GateFolder folder;
  {
    const auto engine = fault_engine(3);
    expect_exact(engine->submit(fault_at(kItem, "fork_grandchild", folder.path())).wait());
    wait_until([&] { return folder.announcements() == 1; });
    expect_good_engine(*engine);
  }
  const std::string name = entries_of(folder.path()).at(0);
  const pid_t grandchild = std::stoi(name.substr(name.rfind('-') + 1));
  kill(grandchild, SIGKILL);
  wait_until([&] { return process_state(grandchild) == '\0' || process_state(grandchild) == 'Z'; });
}

}  // namespace
}  // namespace gristmill::test
