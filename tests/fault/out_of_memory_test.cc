// Section D: the system runs out of memory, in a control group of the test's own.
#include <map>

#include "tests/fault/fault_test.h"
#include "tests/support/control_group.h"
#include "tests/support/sanitizers.h"

namespace gristmill::test {
namespace {

// This process and the workers that it starts are in a group that may have 320 MiB.
class OutOfMemoryFaults : public FaultTest {
 protected:
  static constexpr std::int64_t kLimit = std::int64_t{320} << 20;

  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer has more memory of its own than the limit";
    std::string why_not;
    // Version 1, then version 2.
    for (const char* file : {"memory.limit_in_bytes", "memory.max"}) {
      auto group = ControlGroup::create("memory", file, why_not);
      if (!group) continue;
      // Only where there is swap space.
      group->write("memory.swap.max", "0");
      group->write("memory.swappiness", "0");
      if (group->write(file, std::to_string(kLimit)) && group->add(getpid())) {
        group_ = std::move(group);
        return;
      }
      why_not = "\"" + group->folder().string() + "\" refuses a limit or this process";
    }
    GTEST_SKIP() << why_not;
  }

  static JobSpec taking(std::int64_t at, std::int64_t bytes) {
    JobSpec spec = fault_at(at, "take_memory");
    spec.params["bytes"] = bytes;
    spec.faults.on_error = OnError::kSkip;
    return spec;
  }

 private:
  std::unique_ptr<ControlGroup> group_;
};

TEST_F(OutOfMemoryFaults, Fault32_AChunkThatTakesMoreThanThereIsIsConvictedAndOnlyIt) {
  const auto engine = fault_engine(3);
  const Result result = engine->submit(taking(kItem, 4 * kLimit)).wait();
  expect_convicted(result, FaultCause::kOutOfMemory);
  EXPECT_EQ(result.summary().faults.attempt_count, 10);
  EXPECT_EQ(result.summary().faults.attempts[0].signal, SIGKILL);
  expect_good_engine(*engine);
}

// One at a time they have enough: who was killed once is not killed again.
TEST_F(OutOfMemoryFaults, Fault32_ChunksThatFitOneByOneAreAllDone) {
  const auto engine = fault_engine(3);
  JobSpec spec = taking(-1, kLimit * 6 / 10);
  spec.chunk_size = ChunkSize::items(25);
  const Result result = engine->submit(spec).wait();
  expect_exact(result);
  const FaultReport& faults = result.summary().faults;
  EXPECT_GE(faults.attempt_count, 1) << "two of them were never in memory together";
  for (const FailedAttempt& attempt : faults.attempts) {
    EXPECT_EQ(attempt.cause, FaultCause::kOutOfMemory) << attempt.what;
    EXPECT_LE(attempt.attempt, 1) << "chunk " << attempt.chunk << " was not run apart";
  }
  expect_good_engine(*engine);
}

}  // namespace
}  // namespace gristmill::test
