#include <atomic>
#include <csignal>
#include <mutex>
#include <random>
#include <thread>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/storm.h"
#include "tests/support/process_table.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;

// Kills workers at random instants, in each job up to so many: ten kills in one chunk, or of
// workers of one slot that have done nothing, are a reason to give up.
class Killer {
 public:
  static constexpr std::uint64_t kMostInAJob = 9;

  // spared: the process that plans, whose death ends a submission and no job.
  Killer(std::uint64_t seed, pid_t spared, std::chrono::microseconds longest_pause)
      : random_(seed), spared_(spared), longest_pause_(longest_pause), thread_([this] { run(); }) {}
  ~Killer() {
    over_ = true;
    thread_.join();
  }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  void begin(std::int64_t most) { left_ = most; }
  void end() { left_ = 0; }
  std::int64_t kills() const { return kills_; }

 private:
  void run() {
    const auto most = static_cast<std::uint64_t>(longest_pause_.count()) + 1;
    while (!over_) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % most));
      if (left_ > 0) kill_one();
    }
  }

  void kill_one() {
    std::vector<pid_t> workers = test::child_processes();
    std::erase(workers, spared_);
    if (workers.empty()) return;
    const pid_t chosen = workers[random_() % workers.size()];
    const char state = test::process_state(chosen);
    if (state == '\0' || state == 'Z' || left_ <= 0) return;
    if (!test::signal_child(chosen, SIGKILL)) return;
    ++kills_;
    --left_;
  }

  std::mt19937_64 random_;
  pid_t spared_;
  std::chrono::microseconds longest_pause_;
  std::atomic<bool> over_ = false;
  std::atomic<std::int64_t> left_ = 0;
  std::atomic<std::int64_t> kills_ = 0;
  std::thread thread_;
};

struct Tally {
  std::int64_t jobs = 0;
  std::int64_t deaths = 0;
  std::int64_t in_chunks = 0;
  std::int64_t unequal = 0;
  std::int64_t wrong_blames = 0;
  std::int64_t failed = 0;
};

void count_blames(const FaultReport& faults, Tally& tally) {
  tally.deaths += faults.attempt_count;
  tally.wrong_blames += static_cast<std::int64_t>(faults.quarantined.size());
  for (const FailedAttempt& attempt : faults.attempts) {
    if (attempt.chunk < 0) continue;
    ++tally.in_chunks;
    if (attempt.cause != FaultCause::kKilled) ++tally.wrong_blames;
  }
}

void count_result(const ChaosJob& job, const Result& result, StormReport& report, Tally& tally) {
  ++tally.jobs;
  if (!result.done()) {
    ++tally.failed;
    report.note(job.name + ": " + (result.error() ? result.error()->message() : "cancelled"));
  } else if (!job.is_equal(result)) {
    ++tally.unequal;
    report.note(job.name + ": job " + std::to_string(tally.jobs) + ": " + job.difference(result));
  }
  count_blames(result.summary().faults, tally);
}

std::chrono::microseconds undisturbed_time(Engine& engine, const ChaosJobs& jobs) {
  const auto result = engine.submit(jobs.at(0).spec).wait();
  return std::chrono::duration_cast<std::chrono::microseconds>(result.summary().elapsed);
}

}  // namespace

StormReport run_kills(const StormOptions& options) {
  constexpr std::int64_t kJobsOfAFullStorm = 200;
  constexpr std::int64_t kFull = 10'000;
  StormReport report("kills", options);
  const ChaosJobs jobs({4000, 10, 150'000});
  Tally tally;
  std::int64_t kills = 0;
  {
    const auto engine = engine_of(4);
    engine->kernels();
    const std::vector<pid_t> children = test::child_processes();
    Killer killer(options.seed, children.back(), undisturbed_time(*engine, jobs) / 3);
    std::mt19937_64 random(options.seed);
    const std::int64_t fewest_jobs = options.count * kJobsOfAFullStorm / kFull;
    while (killer.kills() < options.count || tally.jobs < fewest_jobs) {
      test::Watchdog::restart();
      const ChaosJob& job = jobs.at(static_cast<std::size_t>(tally.jobs));
      Job running = engine->submit(job.spec);
      killer.begin(1 + static_cast<std::int64_t>(random() % Killer::kMostInAJob));
      const Result result = running.wait();
      killer.end();
      count_result(job, result, report, tally);
    }
    kills = killer.kills();
  }
  report.expect("SIGKILLs sent", static_cast<double>(kills), Bound::kAtLeast,
                static_cast<double>(options.count));
  report.add("jobs", static_cast<double>(tally.jobs));
  report.add("deaths in jobs' reports", static_cast<double>(tally.deaths));
  report.add("of these in a chunk", static_cast<double>(tally.in_chunks));
  report.expect("results that are not equal", static_cast<double>(tally.unequal), Bound::kEqual, 0);
  report.expect("jobs that failed", static_cast<double>(tally.failed), Bound::kEqual, 0);
  report.expect("wrong blames", static_cast<double>(tally.wrong_blames), Bound::kEqual, 0);
  report.expect("hangs", 0, Bound::kEqual, 0);
  return report;
}

}  // namespace gristmill::chaos
