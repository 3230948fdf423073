#include "tests/support/thread_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <exception>
#include <thread>

#include "ipc/doorbell.h"
#include "workers/worker.h"

namespace gristmill::test {
namespace {

constexpr int kProtocolFailure = 71;  // as gristmill-worker

class WorkerThread : public engine::WorkerProcess {
 public:
  WorkerThread(ipc::Channel worker_end, std::function<void(ipc::WorkerLink)> body)
      : ended_(ipc::Doorbell::create()), channel_(fcntl(worker_end.fd(), F_DUPFD_CLOEXEC, 0)) {
    thread_ = std::thread([this, body = std::move(body), end = std::move(worker_end)]() mutable {
      run(body, std::move(end));
      ended_.ring();
    });
  }
  ~WorkerThread() override {
    kill();
    if (thread_.joinable()) thread_.join();
  }

  int exit_fd() const override { return ended_.fd(); }

  std::optional<engine::WorkerExit> reap() override {
    if (!has_ended()) return std::nullopt;
    if (thread_.joinable()) thread_.join();
    if (killed_) return engine::WorkerExit{SIGKILL, 0};
    return engine::WorkerExit{0, exit_code_};
  }

  void kill() override {
    if (has_ended()) return;
    killed_ = true;
    shutdown(channel_.get(), SHUT_RDWR);
  }

 private:
  void run(const std::function<void(ipc::WorkerLink)>& body, ipc::Channel end) {
    try {
      auto link = ipc::WorkerLink::open(std::move(end));
      if (link) body(std::move(*link));
    } catch (const std::exception&) {
      exit_code_ = kProtocolFailure;
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

ThreadLauncher::ThreadLauncher() : body_(&ThreadLauncher::run_worker) {}

std::unique_ptr<engine::WorkerProcess> ThreadLauncher::launch(ipc::Channel worker_end) {
  return std::make_unique<WorkerThread>(std::move(worker_end),
                                        [body = body_, number = launched_++](ipc::WorkerLink link) {
                                          body(number, std::move(link));
                                        });
}

void ThreadLauncher::run_worker(int, ipc::WorkerLink link) {
  workers::Worker(std::move(link)).run();
}

}  // namespace gristmill::test
