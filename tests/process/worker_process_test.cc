#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "engine/process_launcher.h"
#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

using engine::WorkerExit;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// What the system tells of a worker that has ended.
class WorkerProcessTest : public ProcessTest {
 protected:
  static std::int64_t own_peak_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::int64_t{usage.ru_maxrss} << 10;
  }
  static engine::StartedWorker start_costly(std::int64_t bytes) {
    const EnvironmentVariable variable("GRISTMILL_TEST_BYTES", std::to_string(bytes));
    engine::ProcessLauncher launcher({GRISTMILL_BIN_DIR "/gristmill-test-costly-worker"});
    return engine::start_worker(launcher);
  }
  static WorkerExit exit_of(engine::StartedWorker& worker) {
    pollfd end{worker.process->exit_fd(), POLLIN, 0};
    poll(&end, 1, -1);
    const std::optional<WorkerExit> exit = worker.process->reap();
    EXPECT_TRUE(exit);
    return exit.value_or(WorkerExit{});
  }
};

TEST_F(WorkerProcessTest, ItsEndTellsWhatItCost) {
  constexpr std::int64_t kMore = std::int64_t{64} << 20;
  const std::int64_t bytes = own_peak_bytes() + kMore;
  engine::StartedWorker worker = start_costly(bytes);
  const WorkerExit exit = exit_of(worker);
  EXPECT_TRUE(exit.known);
  EXPECT_EQ(exit.code, 7);
  EXPECT_GE(exit.peak_bytes, bytes);
  EXPECT_GE(exit.cpu_time, milliseconds(90));
  EXPECT_GE(exit.life_time, milliseconds(90));
}

// The system would tell the caller's.
TEST_F(WorkerProcessTest, APeakLessThanTheCallersIsNotKnown) {
  const std::vector<char> memory(std::size_t{64} << 20, 'x');
  EXPECT_EQ(memory.back(), 'x');
  engine::StartedWorker worker = start_costly(1);
  const WorkerExit exit = exit_of(worker);
  EXPECT_EQ(exit.code, 7);
  EXPECT_EQ(exit.peak_bytes, 0);
  EXPECT_GE(exit.cpu_time, milliseconds(90));
}

TEST_F(WorkerProcessTest, NothingIsKnownWhenTheCallerIgnoresItsChildren) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  engine::StartedWorker worker = start_costly(own_peak_bytes() * 2);
  const WorkerExit exit = exit_of(worker);
  std::signal(SIGCHLD, before);
  EXPECT_FALSE(exit.known);
  EXPECT_EQ(exit.peak_bytes, 0);
  EXPECT_EQ(exit.cpu_time, microseconds(0));
  EXPECT_EQ(exit.life_time, microseconds(0));
}

TEST_F(WorkerProcessTest, BothOfItsOutputsAreOnePipe) {
  engine::StartedWorker worker = start_costly(1);
  const ipc::UniqueFd output = worker.process->take_output();
  EXPECT_FALSE(worker.process->take_output());
  EXPECT_EQ(exit_of(worker).code, 7);
  char text[256];
  const ssize_t size = read(output.get(), text, sizeof text);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(size)), "to stdout\nto stderr, last x\n");
}

TEST_F(WorkerProcessTest, TheSystemEndsItBeforeItsCaller) {
  constexpr int kMore = 500;
  constexpr int kMost = 1000;
  const auto engine = engine_of(2);
  expect_good_engine(*engine);
  const int own = std::stoi(text_of("/proc/self/oom_score_adj"));
  for (const pid_t worker : child_processes()) {
    const std::string score = text_of("/proc/" + std::to_string(worker) + "/oom_score_adj");
    EXPECT_EQ(std::stoi(score), std::min(own + kMore, kMost));
  }
}

}  // namespace
}  // namespace gristmill::test
