#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/storm.h"
#include "tests/fault/chaos/traces.h"
#include "tests/support/process_table.h"
#include "tests/support/wait_until.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;
using Clock = std::chrono::steady_clock;

// Not what is wanted, but when it is given up.
constexpr std::chrono::seconds kLimit{10};

// A program with an engine that runs jobs, and its workers.
class Victim {
 public:
  explicit Victim(const std::filesystem::path& folder) {
    std::string program = GRISTMILL_BIN_DIR "/gristmill-chaos";
    std::string word = "run-until-killed";
    std::string path = folder;
    char* arguments[] = {program.data(), word.data(), path.data(), nullptr};
    if (posix_spawn(&coordinator_, program.c_str(), nullptr, nullptr, arguments, environ) != 0) {
      throw std::runtime_error("cannot start " + program);
    }
    test::wait_until([&] { return std::filesystem::exists(folder / "running"); });
  }
  ~Victim() {
    for (const int pidfd : pidfds_) close(pidfd);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  // All of them, or the coordinator alone, whose workers have to follow it.
  void kill(bool workers_too) {
    for (const pid_t worker : test::child_processes(coordinator_)) {
      pidfds_.push_back(static_cast<int>(syscall(SYS_pidfd_open, worker, 0)));
    }
    ::kill(coordinator_, SIGKILL);
    if (workers_too) {
      for (const int pidfd : pidfds_) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
    }
    waitpid(coordinator_, nullptr, 0);
  }

  bool lives() const {
    for (const int pidfd : pidfds_) {
      pollfd end{pidfd, POLLIN, 0};
      if (pidfd >= 0 && poll(&end, 1, 0) != 1) return true;
    }
    return false;
  }

 private:
  pid_t coordinator_ = 0;
  std::vector<int> pidfds_;
};

struct Tally {
  std::int64_t processes = 0;
  TraceTally traces;
  double longest_seconds = 0;
};

void run_one(std::mt19937_64& random, Tally& tally) {
  const test::TemporaryFolder folder;
  const Traces before = Traces::now();
  Victim victim(folder.path());
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 150'000));
  victim.kill(/*workers_too=*/random() % 2 == 0);
  const auto killed = Clock::now();
  while (victim.lives() && Clock::now() < killed + kLimit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const std::chrono::duration<double> took = Clock::now() - killed;
  tally.longest_seconds = std::max(tally.longest_seconds, took.count());
  tally.processes += victim.lives() ? 1 : 0;
  tally.traces.add(before, Traces::now(), folder.path());
}

}  // namespace

StormReport run_leftovers(const StormOptions& options) {
  StormReport report("leftovers", options);
  std::mt19937_64 random(options.seed);
  Tally tally;
  for (std::int64_t i = 0; i < options.count; ++i) {
    test::Watchdog::restart();
    run_one(random, tally);
  }
  report.expect("programs killed", static_cast<double>(options.count), Bound::kAtLeast,
                static_cast<double>(options.count));
  report.expect("with a process left", static_cast<double>(tally.processes), Bound::kEqual, 0);
  tally.traces.report_to(report);
  report.expect("longest until all was gone", tally.longest_seconds, Bound::kAtMost, 1, "s");
  return report;
}

}  // namespace gristmill::chaos
