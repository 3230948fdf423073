#include "tests/fault/chaos/coordinator_points.h"

#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <thread>

#include "tests/fault/chaos/traces.h"
#include "tests/support/process_table.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;
using Clock = std::chrono::steady_clock;
using Files = std::map<std::string, std::string>;

// Not what is wanted, but when it is given up.
constexpr std::chrono::seconds kLimit{10};
constexpr const char* kOlder = "what an earlier run has written";

// In which jobs the coordinator comes to a point, letters of kJobs, and how often in each of them.
struct Point {
  const char* name;
  const char* jobs;
  int passes = 1;
};

struct JobName {
  char letter;
  const char* name;
  bool done;
};
constexpr JobName kJobs[] = {{'m', "map", true},     {'r', "reduce", true},   {'e', "emit", true},
                             {'c', "copy", true},    {'b', "bisected", true}, {'z', "zygote", true},
                             {'f', "failing", false}};

constexpr Point kPoints[] = {
    {"before-launch", "mz", 3},
    {"after-spawn", "mb", 3},
    {"after-zygote", "z"},
    {"after-fork-request", "z", 3},
    {"before-forked", "z", 2},
    {"before-record", "mz", 2},
    {"after-new-memory", "c"},
    {"before-seal", "c"},
    {"after-seal", "c"},
    {"after-plan-request", "mrec", 2},
    {"after-plan", "mrec"},
    {"after-segment", "mre"},
    {"after-temporary-file", "mre"},
    {"before-header", "mrec"},
    {"after-header", "mrec"},
    {"before-submit", "mrecbzf"},
    {"after-control", "mrecbzf"},
    {"after-row-memory", "e"},
    {"after-open", "mrebz", 2},
    {"after-partition", "mre", 2},
    {"before-order", "mrebz", 2},
    {"after-order", "mrebz", 2},
    {"before-deaths", "mrebz", 4},
    {"after-idle", "mre", 2},
    {"before-next-round", "re"},
    {"after-file-size", "e"},
    {"after-reap", "bzf"},
    {"after-bury", "bzf"},
    {"after-convict", "bz"},
    {"before-restart", "bz"},
    {"after-restart", "bz"},
    {"before-probe", "bz", 2},
    {"before-fill", "bz"},
    {"before-stop", "f"},
    {"after-stop", "f"},
    {"before-close", "mrecbzf"},
    {"after-closed", "mre", 2},
    {"before-rename", "mrecbz"},
    {"after-rename", "mrecbz"},
    {"before-result", "mrecbzf"},
    {"after-result", "mrecbzf"},
    {"before-hang-up", "mz", 2},
    {"after-hang-up", "mz", 2},
    {"before-end-kills", "mz", 2},
    {"after-workers", "mz"},
};

struct Tally {
  std::int64_t programs = 0;
  std::int64_t hits = 0;
  std::int64_t processes = 0;
  std::int64_t parts = 0;
  std::int64_t beside_outputs = 0;
  std::int64_t not_run_again = 0;
  double longest_seconds = 0;
  TraceTally traces;
  std::map<std::string, std::int64_t> hits_of;
};

// While it lives, what a dead child leaves becomes a child of this process.
class Orphanage {
 public:
  Orphanage() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Orphanage() { prctl(PR_SET_CHILD_SUBREAPER, 0); }
  Orphanage(const Orphanage&) = delete;
  Orphanage& operator=(const Orphanage&) = delete;

  // True once all children have ended; false after kLimit, and they are killed.
  static bool is_empty_at_last() {
    for (const auto end = Clock::now() + kLimit; Clock::now() < end;) {
      const pid_t ended = waitpid(-1, nullptr, WNOHANG);
      if (ended < 0 && errno == ECHILD) return true;
      if (ended == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    for (const pid_t child : test::child_processes()) {
      test::signal_child(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    return false;
  }
};

// Runs the program to its end. Returns its wait status.
int run_program(std::string job, std::string folder, const std::string& wish) {
  if (!wish.empty()) setenv("GRISTMILL_KILL", wish.c_str(), 1);
  std::string program = GRISTMILL_BIN_DIR "/gristmill-chaos-coordinator";
  char* arguments[] = {program.data(), job.data(), folder.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  unsetenv("GRISTMILL_KILL");
  if (error != 0) throw std::runtime_error("cannot start " + program);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Without hidden ones.
Files files_in(const std::filesystem::path& folder) {
  Files files;
  for (const std::string& name : test::entries_of(folder)) {
    if (name[0] != '.') files.emplace(name, test::text_of(folder / name));
  }
  return files;
}

class CoordinatorVisits {
 public:
  explicit CoordinatorVisits(StormReport& report) : report_(report) {
    for (const JobName& job : kJobs) {
      const test::TemporaryFolder folder;
      test::Watchdog::restart();
      if (!is_done(job, run_program(job.name, folder.path(), {}))) {
        throw std::runtime_error(std::string("the undisturbed program did not do its ") + job.name);
      }
      expected_[job.letter] = files_in(folder.path());
    }
  }

  void visit(const Point& point, int round) {
    const auto jobs = static_cast<int>(std::strlen(point.jobs));
    const char letter = point.jobs[(round - 1) % jobs];
    const int pass = 1 + (round - 1) / jobs % point.passes;
    const JobName& job = *std::find_if(std::begin(kJobs), std::end(kJobs),
                                       [&](const JobName& one) { return one.letter == letter; });
    const std::string name = std::string("coordinator-") + point.name;
    visit(job, name, pass, /*replaces=*/round % 2 == 0);
  }

  void report(std::int64_t rounds) const;

 private:
  static bool is_done(const JobName& job, int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == (job.done ? 0 : 1);
  }

  // replaces: the outputs are there already, from an earlier run.
  void visit(const JobName& job, const std::string& point, int pass, bool replaces) {
    constexpr int kMostTries = 20;
    const std::string wish = point + ":" + std::to_string(pass);
    where_ = std::string(job.name) + " at " + wish;
    hits_now_ = 0;
    ++tally_.programs;
    for (int i = 0; i < kMostTries && hits_now_ == 0; ++i) {
      test::Watchdog::restart();
      const test::TemporaryFolder folder;
      if (replaces) {
        for (const auto& [name, bytes] : expected_[job.letter]) folder.write(name, kOlder);
      }
      kill_once(job, wish, folder.path(), replaces);
      run_again(job, folder.path());
    }
    tally_.hits += hits_now_;
    tally_.hits_of[point] += hits_now_;
    if (hits_now_ == 0) report_.note("was not reached: " + where_);
  }

  void kill_once(const JobName& job, const std::string& wish, const std::filesystem::path& folder,
                 bool replaces) {
    const Traces before = Traces::now();
    const int status = run_program(job.name, folder, wish);
    const auto killed = Clock::now();
    const bool hit = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    hits_now_ += hit ? 1 : 0;
    if (!hit && !is_done(job, status)) note("it ended with status " + std::to_string(status));
    if (!Orphanage::is_empty_at_last()) {
      ++tally_.processes;
      note("a process was left");
    }
    const std::chrono::duration<double> took = Clock::now() - killed;
    tally_.longest_seconds = std::max(tally_.longest_seconds, took.count());
    tally_.traces.add(before, Traces::now());
    tally_.beside_outputs += unfinished_files_in(folder) > 0 ? 1 : 0;
    check_outputs(expected_[job.letter], files_in(folder), replaces);
  }

  // Each is whole, or there is what was there before.
  void check_outputs(const Files& expected, const Files& found, bool replaces) {
    bool whole = true;
    for (const auto& [name, bytes] : found) {
      const auto wanted = expected.find(name);
      whole &=
          wanted != expected.end() && (bytes == wanted->second || (replaces && bytes == kOlder));
    }
    if (replaces) whole &= found.size() == expected.size();
    if (whole) return;
    ++tally_.parts;
    note("an output is neither whole nor what was there before");
  }

  void run_again(const JobName& job, const std::filesystem::path& folder) {
    const std::int64_t unfinished = unfinished_files_in(folder);
    const int status = run_program(job.name, folder, {});
    if (is_done(job, status) && Orphanage::is_empty_at_last() &&
        files_in(folder) == expected_[job.letter] && unfinished_files_in(folder) == unfinished) {
      return;
    }
    ++tally_.not_run_again;
    note("the next run ended with status " + std::to_string(status) + ", or left other files");
  }

  void note(const std::string& what) { report_.note(where_ + ": " + what); }

  StormReport& report_;
  Orphanage orphanage_;
  std::map<char, Files> expected_;
  Tally tally_;
  std::string where_;
  int hits_now_ = 0;
};

void CoordinatorVisits::report(std::int64_t rounds) const {
  const auto expect = [&](const char* what, std::int64_t value, Bound bound, std::int64_t limit) {
    report_.expect(what, static_cast<double>(value), bound, static_cast<double>(limit));
  };
  std::int64_t fewest = tally_.hits;
  for (const auto& [name, hits] : tally_.hits_of) fewest = std::min(fewest, hits);
  expect("points of the coordinator", std::size(kPoints), Bound::kAtLeast, 15);
  expect("programs to be killed at them", tally_.programs, Bound::kNone, 0);
  expect("of these killed there", tally_.hits, Bound::kEqual, tally_.programs);
  expect("at the point with the fewest", fewest, Bound::kAtLeast, rounds);
  expect("with a process left", tally_.processes, Bound::kEqual, 0);
  tally_.traces.report_to(report_);
  expect("with a part of an output under its name", tally_.parts, Bound::kEqual, 0);
  expect("with an unfinished file beside its output", tally_.beside_outputs, Bound::kNone, 0);
  expect("that could not be run again in the same place", tally_.not_run_again, Bound::kEqual, 0);
  report_.expect("longest until all was gone", tally_.longest_seconds, Bound::kAtMost, 1, "s");
}

}  // namespace

void visit_coordinator_points(const StormOptions& options, StormReport& report) {
  CoordinatorVisits visits(report);
  for (int round = 1; round <= options.count; ++round) {
    for (const Point& point : kPoints) visits.visit(point, round);
  }
  visits.report(options.count);
}

}  // namespace gristmill::chaos
