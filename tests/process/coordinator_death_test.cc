#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

// A program with an engine of three workers and a job that does not end.
class CoordinatorDeathTest : public ProcessTest {
 protected:
  void start(const std::string& how) {
    std::string program = GRISTMILL_BIN_DIR "/gristmill-test-endless-job";
    std::string folder = gate_.path();
    std::string word = how;
    char* arguments[] = {program.data(), folder.data(), word.data(), nullptr};
    ASSERT_EQ(posix_spawn(&coordinator_, program.c_str(), nullptr, nullptr, arguments, environ), 0);
    wait_until([&] { return gate_.announcements() >= 3; });
    for (const pid_t worker : child_processes(coordinator_)) {
      workers_.push_back(worker);
      pidfds_.push_back(static_cast<int>(syscall(SYS_pidfd_open, worker, 0)));
    }
    EXPECT_EQ(workers_.size(), 4U) << "and the planner";
  }

  int kill_coordinator() {
    EXPECT_TRUE(signal_child(coordinator_, SIGKILL));
    int status = 0;
    waitpid(coordinator_, &status, 0);
    return status;
  }

  // A descriptor of a process becomes readable when it ends, whoever its parent is by then.
  void wait_for_the_end_of_all_workers() {
    for (const int pidfd : pidfds_) {
      pollfd end{pidfd, POLLIN, 0};
      wait_until([&] { return poll(&end, 1, 1000) == 1; });
      close(pidfd);
    }
  }

  pid_t coordinator_ = 0;
  std::vector<pid_t> workers_;
  std::vector<int> pidfds_;
  GateFolder gate_;
};

TEST_F(CoordinatorDeathTest, EndsItsWorkers) {
  start("wait");
  EXPECT_TRUE(WIFSIGNALED(kill_coordinator()));
  wait_for_the_end_of_all_workers();
}

TEST_F(CoordinatorDeathTest, EndsWorkersThatHangOrAreStopped) {
  start("hang");
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, pidfds_[0], SIGSTOP, nullptr, 0), 0);
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, pidfds_[3], SIGSTOP, nullptr, 0), 0);
  wait_until([&] { return process_state(workers_[3]) == 'T'; });
  kill_coordinator();
  wait_for_the_end_of_all_workers();
}

}  // namespace
}  // namespace gristmill::test
