#include "tests/fault/chaos/coordinator_points.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

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

// All but "command" are jobs of coordinator.cc.
struct JobName {
  char letter;
  const char* name;
  int exit_code;
};
constexpr JobName kJobs[] = {{'g', "command", 3}, {'m', "map", 0},     {'r', "reduce", 0},
                             {'e', "emit", 0},    {'c', "copy", 0},    {'z', "zygote", 0},
                             {'h', "hanging", 0}, {'f', "failing", 1}, {'x', "cancelled", 1}};

constexpr Point kPoints[] = {
    {"before-launch", "gmz", 3},
    {"after-spawn", "gm", 3},
    {"after-zygote", "z"},
    {"after-fork-request", "z", 3},
    {"before-forked", "z", 2},
    {"before-record", "gmz", 2},
    {"after-new-memory", "c"},
    {"before-seal", "c"},
    {"after-seal", "c"},
    {"after-plan-request", "gmrec", 2},
    {"after-plan", "gmrec"},
    {"after-segment", "gmre"},
    {"after-temporary-file", "gmre"},
    {"before-header", "gmrec"},
    {"after-header", "gmrec"},
    {"before-submit", "gmreczf"},
    {"after-control", "gmreczf"},
    {"after-row-memory", "e"},
    {"after-open", "gmrez", 2},
    {"after-partition", "gmre", 2},
    {"before-order", "gmrez", 2},
    {"after-order", "gmrez", 2},
    {"before-deaths", "gmrez", 4},
    {"after-idle", "gmre", 2},
    {"before-next-round", "re"},
    {"after-file-size", "e"},
    {"after-reap", "gzfh"},
    {"after-bury", "gzfh"},
    {"after-convict", "gz"},
    {"before-restart", "gz"},
    {"after-restart", "gz"},
    {"before-probe", "gz", 2},
    {"before-fill", "gz"},
    {"before-stop", "fx"},
    {"after-stop", "fx"},
    {"before-kill", "hx"},
    {"after-kill", "hx"},
    {"before-close", "gmreczf"},
    {"after-closed", "gmre", 2},
    {"before-rename", "gmrecz"},
    {"after-rename", "gmrecz"},
    {"before-result", "gmreczf"},
    {"after-result", "gmreczf"},
    {"before-hang-up", "gmz", 2},
    {"after-hang-up", "gmz", 2},
    {"before-end-kills", "gmz", 2},
    {"after-workers", "gmz"},
};

struct Tally {
  std::int64_t programs = 0;
  std::int64_t hits = 0;
  std::int64_t processes = 0;
  std::int64_t parts = 0;
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

std::vector<std::string> words_of(const JobName& job, const std::string& folder) {
  const std::string bin = GRISTMILL_BIN_DIR "/";
  if (std::strcmp(job.name, "command") != 0) {
    return {bin + "gristmill-chaos-coordinator", job.name, folder};
  }
  std::vector<std::string> words = {bin + "gristmill-test-points", "run", "chaos_map"};
  for (const char* param : {"items=600", "work_ns=100000", "guilty_every=600", "how=exit0"}) {
    words.insert(words.end(), {"--param", param});
  }
  words.insert(words.end(),
               {"--plugin", bin + "gristmill-test-chaos.so", "--output",
                "hash=" + folder + "/output.npy", "--joblog", folder + "/.joblog", "--chunk-size",
                "10", "--workers", "2", "--retries", "0", "--on-error", "skip", "--bisect"});
  return words;
}

// Runs a program to its end, without what it writes to stdout. Returns its wait status.
int run_program(std::vector<std::string> words, const std::string& wish) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (!wish.empty()) setenv("GRISTMILL_KILL", wish.c_str(), 1);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  unsetenv("GRISTMILL_KILL");
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + words[0]);
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
      if (!ended_well(job, run_program(words_of(job, folder.path()), {}))) {
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
  static bool ended_well(const JobName& job, int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == job.exit_code;
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
    const int status = run_program(words_of(job, folder), wish);
    const auto killed = Clock::now();
    const bool hit = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    hits_now_ += hit ? 1 : 0;
    if (!hit && !ended_well(job, status)) note("it ended with status " + std::to_string(status));
    if (!Orphanage::is_empty_at_last()) {
      ++tally_.processes;
      note("a process was left");
    }
    const std::chrono::duration<double> took = Clock::now() - killed;
    tally_.longest_seconds = std::max(tally_.longest_seconds, took.count());
    tally_.traces.add(before, Traces::now(), folder);
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
    const int status = run_program(words_of(job, folder), {});
    if (ended_well(job, status) && Orphanage::is_empty_at_last() &&
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
