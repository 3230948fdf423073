#include "workers/zygote.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "ipc/channel.h"
#include "ipc/worker_side.h"
#include "ipc/zygote.h"
#include "workers/worker_process.h"

namespace gristmill::workers {
namespace {

struct Child {
  pid_t pid;
  ipc::UniqueFd pidfd;
  ipc::UniqueFd life;
};

bool has_one_thread() {
  std::error_code error;
  const std::filesystem::directory_iterator threads("/proc/self/task", error);
  return !error && std::distance(begin(threads), end(threads)) == 1;
}

// A coordinator that does not listen is about to kill the worker, or is gone.
void send_to_coordinator(int life, const void* body, std::size_t size, int fd) {
  iovec part{const_cast<void*>(body), size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  sendmsg(life, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::int64_t microseconds(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

// False while it runs.
bool reap(const Child& child) {
  siginfo_t info{};
  rusage usage{};
  if (syscall(SYS_waitid, P_PIDFD, child.pidfd.get(), &info, WEXITED | WNOHANG, &usage) != 0 ||
      info.si_pid == 0) {
    return false;
  }
  ipc::WorkerReaped reaped;
  (info.si_code == CLD_EXITED ? reaped.code : reaped.signal) = info.si_status;
  reaped.peak_bytes = std::int64_t{usage.ru_maxrss} << 10;
  reaped.cpu_microseconds = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
  send_to_coordinator(child.life.get(), &reaped, sizeof reaped, -1);
  return true;
}

class ZygoteLoop {
 public:
  ZygoteLoop(ipc::UniqueFd socket, const std::function<pid_t()>& fork_worker)
      : socket_(std::move(socket)), fork_worker_(fork_worker) {}

  ForkedWorkerFds run() {
    for (;;) {
      wait();
      std::erase_if(children_, reap);
      if (!has_request()) continue;
      if (std::optional<ForkedWorkerFds> worker = take_request()) return std::move(*worker);
    }
  }

 private:
  void wait() {
    polled_ = {{socket_.fd(), POLLIN, 0}};
    for (const Child& child : children_) polled_.push_back({child.pidfd.get(), POLLIN, 0});
    poll(polled_.data(), polled_.size(), -1);
  }
  bool has_request() const { return (polled_[0].revents & (POLLIN | POLLHUP)) != 0; }

  // In the worker: what it has.
  std::optional<ForkedWorkerFds> take_request() {
    ipc::Channel::Message request;
    if (socket_.receive(request) == ipc::Channel::Receive::kPeerGone) _exit(0);
    if (request.fds.size() != ipc::kZygoteFds) _exit(ipc::kProtocolFailure);
    if (!has_one_thread()) _exit(ipc::kZygoteHasThreads);
    const pid_t zygote = getpid();
    const pid_t pid = fork_worker_();
    if (pid == 0) {
      die_with_parent(zygote);
      children_.clear();
      return ForkedWorkerFds{std::move(request.fds[ipc::kWorkerChannel]),
                             std::move(request.fds[ipc::kWorkerOutput]),
                             std::move(request.fds[ipc::kWorkerLife])};
    }
    // Nobody was forked: the coordinator sees it by the end of the life.
    if (pid > 0) watch(pid, std::move(request.fds[ipc::kWorkerLife]));
    return std::nullopt;
  }

  void watch(pid_t pid, ipc::UniqueFd life) {
    ipc::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) {
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      return;
    }
    const ipc::WorkerForked forked{pid};
    send_to_coordinator(life.get(), &forked, sizeof forked, pidfd.get());
    children_.push_back({pid, std::move(pidfd), std::move(life)});
  }

  ipc::Channel socket_;
  const std::function<pid_t()>& fork_worker_;
  std::vector<Child> children_;
  std::vector<pollfd> polled_;
};

}  // namespace

ForkedWorkerFds run_zygote(ipc::UniqueFd socket, const std::function<pid_t()>& fork_worker) {
  return ZygoteLoop(std::move(socket), fork_worker).run();
}

}  // namespace gristmill::workers
