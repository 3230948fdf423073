#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "engine/zygote_launcher.h"

namespace gristmill::engine {
namespace {

class ZygoteTest : public testing::Test {
 protected:
  static WorkerExit end_of(WorkerProcess& process) {
    for (;;) {
      if (const auto exit = process.reap()) return *exit;
      wait_for(process);
    }
  }
  static void wait_until_forked(WorkerProcess& process) {
    while (process.pid() == 0) {
      wait_for(process);
      ASSERT_FALSE(process.reap().has_value());
    }
  }
  static void wait_for(WorkerProcess& process) {
    pollfd state{process.exit_fd(), POLLIN, 0};
    poll(&state, 1, -1);
  }

  static pid_t parent_of(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string word; status >> word;) {
      pid_t parent = 0;
      if (word == "PPid:" && status >> parent) return parent;
    }
    return 0;
  }
  ZygoteLauncher launcher_{{GRISTMILL_BIN_DIR "/gristmill-test-zygote"},
                           {GRISTMILL_BIN_DIR "/gristmill-worker"}};
};

TEST_F(ZygoteTest, AWorkerEndsWithItsCoordinatorsLink) {
  StartedWorker worker = start_worker(launcher_);
  wait_until_forked(*worker.process);
  EXPECT_GT(worker.process->pid(), 0);
  worker.link.hang_up();
  const WorkerExit exit = end_of(*worker.process);
  EXPECT_TRUE(exit.known);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_EQ(exit.code, 0);
  EXPECT_GT(exit.peak_bytes, 0);
}

TEST_F(ZygoteTest, AKilledWorkerIsTold) {
  StartedWorker worker = start_worker(launcher_);
  wait_until_forked(*worker.process);
  kill(worker.process->pid(), SIGUSR1);
  EXPECT_EQ(end_of(*worker.process).signal, SIGUSR1);
}

TEST_F(ZygoteTest, AKillBeforeTheForkIsDoneIsNotLost) {
  StartedWorker worker = start_worker(launcher_);
  worker.process->kill();
  EXPECT_EQ(end_of(*worker.process).signal, SIGKILL);
}

TEST_F(ZygoteTest, WorkersAreSiblings) {
  StartedWorker first = start_worker(launcher_);
  StartedWorker second = start_worker(launcher_);
  wait_until_forked(*first.process);
  wait_until_forked(*second.process);
  EXPECT_NE(first.process->pid(), second.process->pid());
  first.process->kill();
  EXPECT_EQ(end_of(*first.process).signal, SIGKILL);
  EXPECT_FALSE(second.process->reap().has_value());
}

TEST_F(ZygoteTest, AnotherZygoteFollowsADeadOne) {
  StartedWorker worker = start_worker(launcher_);
  wait_until_forked(*worker.process);
  const pid_t zygote = parent_of(worker.process->pid());
  kill(zygote, SIGKILL);
  // The worker dies with its zygote, and nobody can say how.
  EXPECT_FALSE(end_of(*worker.process).known);
  // Until its end is seen, workers are programs of their own.
  for (;;) {
    const StartedWorker next = start_worker(launcher_);
    wait_until_forked(*next.process);
    const pid_t parent = parent_of(next.process->pid());
    EXPECT_NE(parent, zygote);
    if (parent != getpid()) break;
  }
}

}  // namespace
}  // namespace gristmill::engine
