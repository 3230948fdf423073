#include "engine/thread_launcher.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>

#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>

#include "ipc/worker_side.h"

namespace gristmill::engine {
namespace {

void wait_for_end(const WorkerProcess& worker) {
  pollfd state{worker.exit_fd(), POLLIN, 0};
  ASSERT_EQ(poll(&state, 1, -1), 1);
}

// A worker with such a body, and the coordinator's end of its channel.
struct Started {
  explicit Started(ThreadLauncher::Body body) : Started(ThreadLauncher(std::move(body))) {}
  explicit Started(ThreadLauncher launcher) {
    auto [ours, workers] = ipc::Channel::create_pair();
    end.emplace(std::move(ours));
    worker = launcher.launch(std::move(workers));
  }
  std::optional<ipc::Channel> end;
  std::unique_ptr<WorkerProcess> worker;
};

void wait_for_hang_up(const ipc::Channel& end) {
  ipc::Channel::Message message;
  while (end.receive(message) != ipc::Channel::Receive::kPeerGone) {
  }
}

TEST(ThreadLauncherTest, ThreadsAreNumberedInTheirNames) {
  std::mutex mutex;
  std::set<std::string> names;
  ThreadLauncher launcher([&](int, const ipc::Channel&) {
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof name);
    const std::lock_guard lock(mutex);
    names.insert(name);
  });
  for (int i = 0; i < 2; ++i) {
    auto [ours, workers] = ipc::Channel::create_pair();
    wait_for_end(*launcher.launch(std::move(workers)));
  }
  EXPECT_EQ(names, (std::set<std::string>{"gm-worker-0", "gm-worker-1"}));
}

TEST(ThreadLauncherTest, ThreadsTakeTheSignalsOfToolsAndNoOthers) {
  sigset_t blocked;
  Started started(
      [&](int, const ipc::Channel&) { pthread_sigmask(SIG_SETMASK, nullptr, &blocked); });
  wait_for_end(*started.worker);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGPROF}) {
    EXPECT_FALSE(sigismember(&blocked, number)) << number;
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1}) {
    EXPECT_TRUE(sigismember(&blocked, number)) << number;
  }
}

TEST(ThreadLauncherTest, AWorkerThatReturnsHasEndedByItself) {
  Started started([](int, const ipc::Channel& end) { wait_for_hang_up(end); });
  EXPECT_FALSE(started.worker->reap());
  started.end->close();
  wait_for_end(*started.worker);
  const std::optional<WorkerExit> exit = started.worker->reap();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->in_words(), "ended with exit code 0");
}

TEST(ThreadLauncherTest, AKillTakesTheChannelAway) {
  Started started([](int, const ipc::Channel& end) { wait_for_hang_up(end); });
  EXPECT_FALSE(started.worker->ends_when_killed());
  started.worker->kill();
  wait_for_end(*started.worker);
  const std::optional<WorkerExit> exit = started.worker->reap();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal, SIGKILL);
}

TEST(ThreadLauncherTest, AnExceptionIsABrokenProtocol) {
  Started started([](int, const ipc::Channel&) { throw std::runtime_error("broken"); });
  wait_for_end(*started.worker);
  EXPECT_EQ(started.worker->reap()->code, ipc::kProtocolFailure);
}

TEST(ThreadLauncherTest, AWorkerThatIsSentNonsenseEnds) {
  Started started{ThreadLauncher()};
  ASSERT_TRUE(started.end->send(std::vector<std::byte>(3), {}));
  wait_for_end(*started.worker);
  EXPECT_EQ(started.worker->reap()->code, ipc::kProtocolFailure);
}

}  // namespace
}  // namespace gristmill::engine
