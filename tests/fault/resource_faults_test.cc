// Section D: resources. README.md has the rows that are tested elsewhere.
#include <sys/time.h>

#include <csignal>

#include "tests/fault/fault_test.h"
#include "tests/support/sanitizers.h"

namespace gristmill::test {
namespace {

using ResourceFaults = FaultTest;

TEST_F(ResourceFaults, Fault33_ALeakingWorkerIsReplacedBetweenTwoChunksAndNoneIsLost) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory is more than the limit";
  // Of which a worker without any kernel has some already.
  const auto engine = fault_engine(2, std::int64_t{192} << 20);
  JobSpec spec = fault_at(-1, "leak");
  spec.chunk_size = ChunkSize::items(1);
  const Result result = engine->submit(spec).wait();
  expect_exact(result);
  EXPECT_GE(result.summary().faults.retired, 1);
  EXPECT_EQ(result.summary().faults.attempt_count, 0);
}

// Interrupts every blocking call of this process a thousand times a second.
class InterruptStorm {
 public:
  InterruptStorm() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, &before_);
    const itimerval timer{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
  ~InterruptStorm() {
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
    sigaction(SIGALRM, &before_, nullptr);
  }
  InterruptStorm(const InterruptStorm&) = delete;
  InterruptStorm& operator=(const InterruptStorm&) = delete;

 private:
  struct sigaction before_ {};
};

TEST_F(ResourceFaults, Fault37_InterruptedSystemCallsChangeNothing) {
  const InterruptStorm storm;
  const auto engine = fault_engine(3);
  for (int i = 0; i < 20; ++i) expect_exact(engine->submit(fault_at(kItem, "nothing")).wait());
  expect_convicted(engine->submit(skipped_fault("sigill")).wait(), FaultCause::kSignal);
  expect_good_engine(*engine);
}

TEST_F(ResourceFaults, Fault39_ManyJobsWithDeathsLeaveNoDescriptors) {
  const auto engine = fault_engine(2);
  expect_no_more_descriptors(10, 40, [&] {
    JobSpec spec = skipped_fault("sigill");
    spec.faults.retries = 0;
    expect_convicted(engine->submit(spec).wait(), FaultCause::kSignal);
  });
}

}  // namespace
}  // namespace gristmill::test
