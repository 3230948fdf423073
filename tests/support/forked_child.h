#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace gristmill::test {

// A child of this process that runs a function and ends with what that returns; by SIGKILL if this
// process or the object ends first. Requires: this process has one thread.
class ForkedChild {
 public:
  template <class Call>
  explicit ForkedChild(const Call& call) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Without the exit handlers, which belong to the parent.
    _exit(call());
  }
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;
  ~ForkedChild() { kill_and_reap(); }

  // What the function returned; -1 if a signal ended it.
  int exit_code() {
    const int status = reap();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // Returns when it is dead. What it wrote to shared memory is complete then.
  void kill_and_reap() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    reap();
  }

 private:
  int reap() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }

  pid_t pid_;
};

}  // namespace gristmill::test
