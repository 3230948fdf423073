#include "engine/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "ipc/system_error.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

constexpr std::array kThreadLimits = {"OMP_NUM_THREADS",     "OPENBLAS_NUM_THREADS",
                                      "MKL_NUM_THREADS",     "BLIS_NUM_THREADS",
                                      "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"};

std::chrono::microseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::int64_t peak_bytes_of(const rusage& usage) { return std::int64_t{usage.ru_maxrss} << 10; }

std::int64_t own_peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return peak_bytes_of(usage);
}

// A child process known by its pidfd.
class ChildProcess : public WorkerProcess {
 public:
  ChildProcess(pid_t pid, ipc::UniqueFd pidfd, ipc::UniqueFd output)
      : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)) {}
  ~ChildProcess() override {
    if (reaped_) return;
    kill();
    wait_for_end();
    siginfo_t info{};
    waitid(P_PIDFD, id(), &info, WEXITED | WNOHANG);
  }

  int exit_fd() const override { return pidfd_.get(); }
  ipc::UniqueFd take_output() override { return std::move(output_); }

  std::optional<WorkerExit> reap() override {
    siginfo_t info{};
    rusage usage{};
    // The library's waitid() has no place for the usage.
    if (syscall(SYS_waitid, P_PIDFD, id(), &info, WEXITED | WNOHANG, &usage) != 0) {
      if (errno != ECHILD || !has_ended()) return std::nullopt;
      // The embedding program ignores SIGCHLD, so the kernel threw the status away; or it took it.
      reaped_ = true;
      return WorkerExit{0, 0, /*known=*/false};
    }
    if (info.si_pid == 0) return std::nullopt;
    reaped_ = true;
    WorkerExit exit = costs(usage);
    (info.si_code == CLD_EXITED ? exit.code : exit.signal) = info.si_status;
    return exit;
  }

  pid_t pid() const override { return pid_; }
  void kill() override {
    if (!killed_at_) killed_at_ = Clock::now();
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Until it executes the worker program, the process has the memory of this one, and the system
  // counts that for its peak.
  WorkerExit costs(const rusage& usage) const {
    WorkerExit exit;
    if (peak_bytes_of(usage) > peak_bytes_before_) exit.peak_bytes = peak_bytes_of(usage);
    exit.cpu_time = duration_of(usage.ru_utime) + duration_of(usage.ru_stime);
    exit.life_time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_);
    return exit;
  }
  id_t id() const { return static_cast<id_t>(pidfd_.get()); }
  bool has_ended(std::chrono::milliseconds limit = {}) const {
    pollfd state{pidfd_.get(), POLLIN, 0};
    return poll(&state, 1, static_cast<int>(limit.count())) == 1;
  }
  // Requires: it was killed.
  void wait_for_end() const {
    std::chrono::milliseconds left{};
    do {
      left = std::chrono::ceil<std::chrono::milliseconds>(*killed_at_ + kKillLimit - Clock::now());
      left = std::max(left, std::chrono::milliseconds(0));
    } while (!has_ended(left) && left.count() > 0);
  }

  pid_t pid_;
  ipc::UniqueFd pidfd_;
  ipc::UniqueFd output_;
  const Clock::time_point start_ = Clock::now();
  const std::int64_t peak_bytes_before_ = own_peak_bytes();
  std::optional<Clock::time_point> killed_at_;
  bool reaped_ = false;
};

std::vector<std::string> worker_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool limited = false;
    for (const std::string_view name : kThreadLimits)
      limited |= text.starts_with(std::string(name) + "=");
    if (!limited) environment.emplace_back(text);
  }
  for (const std::string_view name : kThreadLimits) environment.push_back(std::string(name) + "=1");
  return environment;
}

// Whether a program that this one starts would have it: one that was closed when this program was
// started is closed again by exec, whatever has its number here.
bool is_standard_stream(int fd) {
  const int flags = fcntl(fd, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

// Attributes and file actions of posix_spawn, freed at the end.
struct SpawnSettings {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;

  SpawnSettings(int channel_fd, int output_fd) {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&actions, channel_fd, kChannelFd);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      // Else the next descriptor that is opened gets this number, and what is printed.
      if (!is_standard_stream(fd)) {
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
      }
    }
    if (output_fd >= 0) {
      posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
      posix_spawn_file_actions_adddup2(&actions, output_fd, STDERR_FILENO);
    }
    // The embedding program may have opened descriptors that are not closed on exec.
    posix_spawn_file_actions_addclosefrom_np(&actions, kChannelFd + 1);
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

// For posix_spawn, which changes none of it.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

OutputPipe::OutputPipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) fail();
  reading.reset(fds[0]);
  ipc::UniqueFd any_number(fds[1]);
  // Above those that the worker's are made at, one after the other.
  writing.reset(fcntl(any_number.get(), F_DUPFD_CLOEXEC, kChannelFd + 1));
  if (!writing || fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0) fail();
}

void OutputPipe::fail() {
  throw ipc::system_error("create the pipe of a worker's output", errno, ErrorCode::kResources);
}

std::unique_ptr<WorkerProcess> start_process(const Program& program, int channel_fd,
                                             OutputPipe* output) {
  const SpawnSettings settings(channel_fd, output == nullptr ? -1 : output->writing.get());
  const std::vector<std::string> environment = worker_environment();
  std::vector<std::string> words = {program.path};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.path.c_str(), &settings.actions, &settings.attributes,
                                pointers_to(words).data(), pointers_to(environment).data());
  if (error != 0) {
    throw ipc::system_error("start a worker from \"" + program.path + "\"", error,
                            ErrorCode::kInvalid);
  }
  GRISTMILL_TEST_POINT("coordinator-after-spawn");
  ipc::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int reason = errno;
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw ipc::system_error("watch a worker", reason, ErrorCode::kResources);
  }
  return std::make_unique<ChildProcess>(
      pid, std::move(pidfd), output == nullptr ? ipc::UniqueFd() : std::move(output->reading));
}

}  // namespace gristmill::engine
