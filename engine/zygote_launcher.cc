#include "engine/zygote_launcher.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "ipc/system_error.h"
#include "ipc/test_point.h"
#include "ipc/zygote.h"

namespace gristmill::engine {

// The process and this end of its socket.
class Zygote {
 public:
  explicit Zygote(const Program& program) : Zygote(program, ipc::Channel::create_pair()) {}

  // False if it is gone.
  bool request(const std::array<int, ipc::kZygoteFds>& fds) const {
    return socket_.send(std::as_bytes(std::span(&ipc::kForkRequest, 1)), fds);
  }
  // How it ended; none while it runs.
  const std::optional<WorkerExit>& end() {
    if (!end_) end_ = process_->reap();
    return end_;
  }
  void kill() { process_->kill(); }

 private:
  Zygote(const Program& program, std::pair<ipc::Channel, ipc::Channel> ends)
      : socket_(std::move(ends.first)),
        process_(start_process(program, ends.second.fd(), nullptr)) {}

  ipc::Channel socket_;
  std::unique_ptr<WorkerProcess> process_;
  std::optional<WorkerExit> end_;
};

namespace {

using Clock = std::chrono::steady_clock;

// A worker that a zygote was asked for.
class ForkedWorker : public WorkerProcess {
 public:
  ForkedWorker(std::shared_ptr<Zygote> zygote, ipc::UniqueFd life, ipc::UniqueFd output)
      : zygote_(std::move(zygote)), life_(std::move(life)), output_(std::move(output)) {}
  ~ForkedWorker() override {
    kill();
    if (ends_before(*killed_at_ + kEndLimit)) return;
    zygote_->kill();
    ends_before(*killed_at_ + kKillLimit);
  }

  int exit_fd() const override { return life_.get(); }
  ipc::UniqueFd take_output() override { return std::move(output_); }
  pid_t pid() const override { return pid_; }

  std::optional<WorkerExit> reap() override {
    while (!exit_ && take_message()) {
    }
    return exit_;
  }

  void kill() override {
    if (!killed_at_) killed_at_ = Clock::now();
    if (pidfd_) syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }

 private:
  union Body {
    ipc::WorkerForked forked;
    ipc::WorkerReaped reaped;
  };

  // False: none is there.
  bool take_message() {
    Body body{};
    iovec part{&body, sizeof body};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(life_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return errno == EINTR;
    ipc::UniqueFd fd = descriptor_of(message);
    if (size == sizeof(ipc::WorkerForked) && fd && !pidfd_) {
      take_forked(body.forked, std::move(fd));
    } else if (size == sizeof(ipc::WorkerReaped) && pidfd_ && is_dead()) {
      exit_ = exit_of(body.reaped);
    } else if (size == 0) {
      exit_ = WorkerExit{0, 0, /*known=*/false};  // with its zygote
    } else {
      kill();  // whoever has the other end writes rubbish
    }
    return true;
  }

  void take_forked(const ipc::WorkerForked& forked, ipc::UniqueFd pidfd) {
    GRISTMILL_TEST_POINT("coordinator-before-forked");
    pid_ = static_cast<pid_t>(forked.pid);
    pidfd_ = std::move(pidfd);
    if (killed_at_) kill();
  }

  WorkerExit exit_of(const ipc::WorkerReaped& reaped) const {
    WorkerExit exit{reaped.signal, reaped.code};
    exit.peak_bytes = std::max<std::int64_t>(reaped.peak_bytes, 0);
    exit.cpu_time = std::chrono::microseconds(std::max<std::int64_t>(reaped.cpu_microseconds, 0));
    exit.life_time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_);
    return exit;
  }

  static ipc::UniqueFd descriptor_of(msghdr& message) {
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return ipc::UniqueFd(fd);
  }

  bool is_dead() const {
    pollfd state{pidfd_.get(), POLLIN, 0};
    return poll(&state, 1, 0) == 1;
  }
  bool ends_before(Clock::time_point deadline) {
    while (!reap()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      pollfd state{life_.get(), POLLIN, 0};
      poll(&state, 1, static_cast<int>(left.count()));
    }
    return true;
  }

  std::shared_ptr<Zygote> zygote_;
  ipc::UniqueFd life_;
  ipc::UniqueFd output_;
  const Clock::time_point start_ = Clock::now();
  pid_t pid_ = 0;
  ipc::UniqueFd pidfd_;
  std::optional<Clock::time_point> killed_at_;
  std::optional<WorkerExit> exit_;
};

std::pair<ipc::UniqueFd, ipc::UniqueFd> life_sockets() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    throw ipc::system_error("start a worker", errno, ErrorCode::kResources);
  }
  return {ipc::UniqueFd(fds[0]), ipc::UniqueFd(fds[1])};
}

}  // namespace

ZygoteLauncher::ZygoteLauncher(Program zygote, Program worker, std::int64_t memory_limit_bytes)
    : zygote_program_(std::move(zygote)),
      worker_program_(std::move(worker)),
      memory_limit_bytes_(memory_limit_bytes) {}

ZygoteLauncher::~ZygoteLauncher() = default;

std::unique_ptr<WorkerProcess> ZygoteLauncher::launch(ipc::Channel worker_end) {
  OutputPipe output;
  if (zygote_ && zygote_->end()) {
    zygote_has_threads_ |= zygote_->end()->code == ipc::kZygoteHasThreads;
    zygote_.reset();
  }
  if (zygote_has_threads_) return start_process(worker_program_, worker_end.fd(), &output);
  if (!zygote_) {
    zygote_ = std::make_shared<Zygote>(zygote_program_);
    GRISTMILL_TEST_POINT("coordinator-after-zygote");
  }
  auto [ours, workers] = life_sockets();
  if (!zygote_->request({worker_end.fd(), output.writing.get(), workers.get()})) {
    // It is dying, or has not come to the many that were asked for before.
    return start_process(worker_program_, worker_end.fd(), &output);
  }
  GRISTMILL_TEST_POINT("coordinator-after-fork-request");
  return std::make_unique<ForkedWorker>(zygote_, std::move(ours), std::move(output.reading));
}

}  // namespace gristmill::engine
