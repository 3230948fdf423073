#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/coordinator_points.h"
#include "tests/fault/chaos/storm.h"
#include "tests/support/process_table.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;

// In which jobs a worker comes to a point: letters of kJobLetters.
struct Point {
  const char* name;
  const char* jobs;
  bool often = false;  // many times in a job
};
// As ChaosJobs has them: map, exact reduce, reduce, emit, emit into a file, bisection.
constexpr std::string_view kJobLetters = "mxrefb";
constexpr const char* kAll = "mxrefb";

constexpr Point kPoints[] = {
    {"after-start", kAll},
    {"before-link", kAll},
    {"before-hello", kAll},
    {"after-hello", kAll},
    {"after-order", kAll},
    {"before-open", kAll},
    {"before-inputs", kAll},
    {"before-outputs", kAll},
    {"before-results", kAll},
    {"before-open-kernel", kAll},
    {"after-open", kAll},
    {"before-claim", kAll, true},
    {"after-claim", kAll, true},
    {"after-publish", kAll, true},
    {"before-steal", "mxrf"},
    {"after-steal", "mxrf"},
    {"before-stamp", kAll, true},
    {"after-stamp", kAll, true},
    {"before-kernel", kAll, true},
    {"after-kernel", kAll, true},
    {"before-done", kAll, true},
    {"after-done", kAll, true},
    {"before-counters", kAll, true},
    {"after-counters", kAll, true},
    {"nothing-left", kAll},
    {"before-idle", kAll},
    {"after-idle", kAll},
    {"before-close", kAll},
    {"after-freeze", kAll},
    {"after-close", kAll},
    {"before-accumulates", "x"},
    {"after-accumulates", "x"},
    {"after-accumulator-record", "x", true},
    {"before-merge", "xr"},
    {"between-merges", "xr"},
    {"after-merge", "xr"},
    {"before-finish", "xr"},
    {"after-finish", "xr"},
    {"before-commit", "ef", true},
    {"counted-not-reserved", "ef"},
    {"before-record", "ef", true},
    {"half-record", "ef", true},
    {"after-record", "ef", true},
    {"before-gather", "f", true},
    {"after-gather", "f", true},
    {"before-probe", "b"},
    {"after-probe", "b"},
    {"before-fill", "b"},
};

struct Tally {
  std::int64_t runs = 0;
  std::int64_t hits = 0;
  std::int64_t unequal = 0;
  std::int64_t failed = 0;
  std::map<std::string, std::int64_t> hits_of;
};

// None: the process that plans was the one that was killed, while it was asked.
std::optional<Result> run_once(Engine& engine, const ChaosJob& job) {
  test::Watchdog::restart();
  try {
    return engine.submit(job.spec).wait();
  } catch (const Error& error) {
    if (error.message().find("SIGKILL") == std::string::npos) throw;
    return std::nullopt;
  }
}

void check(const ChaosJob& job, const std::string& wish, const Result& result, StormReport& report,
           Tally& tally) {
  if (job.is_equal(result)) return;
  ++(result.done() ? tally.unequal : tally.failed);
  report.note(job.name + " at " + wish + ": " +
              (result.error() ? result.error()->message() : job.difference(result)));
}

// Runs the job until one worker has been killed at the point, and once more.
void visit(const Point& point, const ChaosJob& job, int hit, StormReport& report, Tally& tally) {
  constexpr int kMostTries = 400;
  const test::TemporaryFolder folder;
  const std::string token = folder / "hit";
  const std::string wish = std::string(point.name) + ":" + std::to_string(hit);
  setenv("GRISTMILL_KILL", (wish + ":" + token).c_str(), 1);
  ++tally.runs;
  {
    const auto engine = engine_of(3, worker_with_test_points());
    bool reached = false;
    for (int i = 0; i < kMostTries && !reached; ++i) {
      if (const auto result = run_once(*engine, job)) check(job, wish, *result, report, tally);
      reached = std::filesystem::exists(token);
    }
    tally.hits_of[point.name] += reached ? 1 : 0;
    if (reached) {
      ++tally.hits;
      if (const auto result = run_once(*engine, job)) check(job, wish, *result, report, tally);
    } else {
      report.note(wish + " was not reached in a " + job.name);
    }
  }
  unsetenv("GRISTMILL_KILL");
}

}  // namespace

StormReport run_points(const StormOptions& options) {
  StormReport report("points", options);
  const JobSize size{600, 10, 20'000};
  ChaosJobs jobs(size);
  jobs.add_bisected(size);
  Tally tally;
  for (int round = 1; round <= options.count; ++round) {
    for (const Point& point : kPoints) {
      for (const char letter : std::string_view(point.jobs)) {
        visit(point, jobs.at(kJobLetters.find(letter)), point.often ? round : 1, report, tally);
      }
    }
  }
  std::int64_t fewest = tally.hits;
  for (const auto& [name, hits] : tally.hits_of) fewest = std::min(fewest, hits);
  report.expect("points of the worker", static_cast<double>(std::size(kPoints)), Bound::kAtLeast,
                25);
  report.add("point and job, each time in a new engine", static_cast<double>(tally.runs));
  report.expect("of these reached", static_cast<double>(tally.hits), Bound::kEqual,
                static_cast<double>(tally.runs));
  report.expect("at the point with the fewest", static_cast<double>(fewest), Bound::kAtLeast,
                static_cast<double>(options.count));
  report.expect("results that are not equal", static_cast<double>(tally.unequal), Bound::kEqual, 0);
  report.expect("jobs that failed", static_cast<double>(tally.failed), Bound::kEqual, 0);
  visit_coordinator_points(options, report);
  return report;
}

}  // namespace gristmill::chaos
