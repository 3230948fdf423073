#include "engine/thread_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <string>
#include <system_error>
#include <thread>

#include "engine/blocked_signals.h"
#include "ipc/doorbell.h"
#include "ipc/system_error.h"
#include "ipc/worker_side.h"

namespace gristmill::engine {
namespace {

void name_this_thread(int number) {
  constexpr std::size_t kLongestName = 15;
  const std::string name = "gm-worker-" + std::to_string(number);
  pthread_setname_np(pthread_self(), name.substr(0, kLongestName).c_str());
}

// A fault whose signal is blocked ends the process without the handler that a sanitizer has for it,
// and SIGPROF is how a profiler samples the thread that runs.
void take_signals_of_tools() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) {
    sigaddset(&signals, number);
  }
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

class WorkerThread : public WorkerProcess {
 public:
  WorkerThread(ipc::Channel worker_end, int number, const ThreadLauncher::Body& body)
      : ended_(ipc::Doorbell::create()), channel_(fcntl(worker_end.fd(), F_DUPFD_CLOEXEC, 0)) {
    if (!channel_) throw ipc::system_error("start a worker", errno, ErrorCode::kResources);
    const AllSignalsBlocked blocked;
    try {
      thread_ = std::thread([this, number, body, end = std::move(worker_end)]() mutable {
        name_this_thread(number);
        take_signals_of_tools();
        run(number, body, std::move(end));
        ended_.ring();
      });
    } catch (const std::system_error& error) {
      throw ipc::system_error("start a worker", error.code().value(), ErrorCode::kResources);
    }
  }
  ~WorkerThread() override {
    kill();
    if (thread_.joinable()) thread_.join();
  }

  int exit_fd() const override { return ended_.fd(); }

  std::optional<WorkerExit> reap() override {
    if (!has_ended()) return std::nullopt;
    if (thread_.joinable()) thread_.join();
    if (killed_) return WorkerExit{SIGKILL, 0};
    return WorkerExit{0, exit_code_};
  }

  void kill() override {
    if (has_ended()) return;
    killed_ = true;
    shutdown(channel_.get(), SHUT_RDWR);
  }
  bool ends_when_killed() const override { return false; }

 private:
  void run(int number, const ThreadLauncher::Body& body, ipc::Channel end) {
    try {
      body(number, std::move(end));
    } catch (const std::exception&) {
      exit_code_ = ipc::kProtocolFailure;
    }
  }
  bool has_ended() const {
    pollfd state{ended_.fd(), POLLIN, 0};
    return poll(&state, 1, 0) == 1;
  }

  ipc::Doorbell ended_;
  ipc::UniqueFd channel_;
  bool killed_ = false;
  int exit_code_ = 0;  // the thread's, until it has ended
  std::thread thread_;
};

}  // namespace

ThreadLauncher::ThreadLauncher()
    : body_([](int, ipc::Channel worker_end) { ipc::run_worker(std::move(worker_end)); }) {}

std::unique_ptr<WorkerProcess> ThreadLauncher::launch(ipc::Channel worker_end) {
  return std::make_unique<WorkerThread>(std::move(worker_end), launched_++, body_);
}

}  // namespace gristmill::engine
