#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/storm.h"
#include "tests/plugins/moment.h"
#include "tests/support/process_table.h"
#include "tests/support/wait_until.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;
using test::Moment;
using test::MomentKind;

std::vector<Moment> moments_in(const std::filesystem::path& file) {
  const std::string bytes = test::text_of(file);
  std::vector<Moment> moments(bytes.size() / sizeof(Moment));
  std::memcpy(moments.data(), bytes.data(), moments.size() * sizeof(Moment));
  return moments;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(share * last + 0.5)];
}

double milliseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-6; }

// Kills a worker that is in a chunk, and waits for the first chunk of the one that replaces it.
double kill_and_wait(pid_t planner, std::mt19937_64& random, const std::filesystem::path& log) {
  std::vector<pid_t> workers = test::child_processes();
  std::erase(workers, planner);
  const pid_t chosen = workers[random() % workers.size()];
  const std::size_t before = moments_in(log).size();
  const std::int64_t killed = test::nanoseconds_now();
  test::signal_child(chosen, SIGKILL);
  test::wait_until([&] { return moments_in(log).size() > before; });
  return milliseconds(moments_in(log).back().nanoseconds - killed);
}

std::vector<double> restart_times(const StormOptions& options) {
  const test::TemporaryFolder folder;
  const std::filesystem::path log = folder / "moments";
  std::mt19937_64 random(options.seed);
  const auto engine = engine_of(4);
  engine->kernels();
  const pid_t planner = test::child_processes().back();
  JobSpec spec = map_spec({10'000'000, 1, 0});
  spec.params.insert({{"sleep_ns", std::int64_t{1'000'000}}, {"log", log.string()}});
  Job job = engine->submit(spec);
  test::wait_until([&] { return moments_in(log).size() >= 4; });
  std::vector<double> times;
  for (std::int64_t i = 0; i < options.count; ++i) {
    test::Watchdog::restart();
    times.push_back(kill_and_wait(planner, random, log));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
  }
  job.cancel();
  job.wait();
  return times;
}

// By how much chunks that hang outlived their deadline.
std::vector<double> overruns(std::int64_t count) {
  constexpr std::int64_t kDeadlineMs = 300;
  const test::TemporaryFolder folder;
  const std::filesystem::path log = folder / "moments";
  const auto engine = engine_of(4);
  JobSpec spec = map_spec({count * 100, 10, 5'000});
  spec.params.insert(
      {{"guilty_every", std::int64_t{100}}, {"how", std::string("hang")}, {"log", log.string()}});
  spec.faults.retries = 0;
  spec.faults.on_error = OnError::kSkip;
  spec.faults.chunk_timeout = std::chrono::milliseconds(kDeadlineMs);
  const std::int64_t submitted = test::nanoseconds_now();
  const Result result = engine->submit(spec).wait();
  std::vector<double> hung;
  std::vector<double> killed;
  for (const Moment& moment : moments_in(log)) {
    if (moment.kind == MomentKind::kMisbehaves) {
      hung.push_back(milliseconds(moment.nanoseconds - submitted));
    }
  }
  for (const FailedAttempt& attempt : result.summary().faults.attempts) {
    if (attempt.cause == FaultCause::kTimeout) killed.push_back(attempt.at.count() * 1e3);
  }
  // Each worker hangs and is killed in turns, so the n-th of one is not long before the n-th of the
  // other.
  std::sort(hung.begin(), hung.end());
  std::sort(killed.begin(), killed.end());
  std::vector<double> times;
  for (std::size_t i = 0; i < std::min(hung.size(), killed.size()); ++i) {
    times.push_back(killed[i] - hung[i] - static_cast<double>(kDeadlineMs));
  }
  return times;
}

double seconds_of(Engine& engine, const JobSpec& spec, Result* kept = nullptr) {
  test::Watchdog::restart();
  const std::int64_t start = test::nanoseconds_now();
  const Result result = engine.submit(spec).wait();
  const double seconds = milliseconds(test::nanoseconds_now() - start) * 1e-3;
  if (kept != nullptr) *kept = result;
  return seconds;
}

// Of a worker that has everything to do anew, up to the end of a job of one chunk.
double start_seconds() {
  const std::int64_t start = test::nanoseconds_now();
  engine_of(1)->submit(map_spec({1, 1, 0})).wait();
  return milliseconds(test::nanoseconds_now() - start) * 1e-3;
}

// Kills a worker each second while the job runs.
double seconds_with_kills(Engine& engine, const JobSpec& spec, pid_t planner,
                          std::mt19937_64& random, std::int64_t& kills, bool& equal,
                          const Result& wanted) {
  const std::int64_t start = test::nanoseconds_now();
  Job job = engine.submit(spec);
  while (!job.wait_for(std::chrono::seconds(1))) {
    test::Watchdog::restart();
    std::vector<pid_t> workers = test::child_processes();
    std::erase(workers, planner);
    if (test::signal_child(workers[random() % workers.size()], SIGKILL)) ++kills;
  }
  const double seconds = milliseconds(test::nanoseconds_now() - start) * 1e-3;
  const Result result = job.wait();
  equal = result.done() && bytes_of(result) == bytes_of(wanted);
  return seconds;
}

}  // namespace

StormReport run_latency(const StormOptions& options) {
  StormReport report("latency", options);
  const std::vector<double> restarts = restart_times(options);
  report.expect("deaths", static_cast<double>(restarts.size()), Bound::kAtLeast,
                static_cast<double>(options.count));
  report.add("death to the replacement's first chunk, median", quantile(restarts, 0.5), "ms");
  report.expect("the same, 99 of 100", quantile(restarts, 0.99), Bound::kAtMost, 50, "ms");
  const std::int64_t hangs = std::max<std::int64_t>(options.count / 5, 8);
  const std::vector<double> late = overruns(hangs);
  report.expect("hangs killed", static_cast<double>(late.size()), Bound::kEqual,
                static_cast<double>(hangs));
  report.add("kill after the deadline, median", quantile(late, 0.5), "ms");
  report.expect("the same, longest", quantile(late, 1), Bound::kAtMost, 250, "ms");
  return report;
}

StormReport run_poison(const StormOptions& options) {
  constexpr double kMostSlowdown = 1.05;
  StormReport report("poison", options);
  const JobSpec sound = map_spec({100'000, 10, 100'000});
  JobSpec poisoned = sound;
  poisoned.params.insert({{"guilty_every", std::int64_t{100'000}}});
  poisoned.faults.on_error = OnError::kSkip;
  const auto engine = engine_of(2);
  seconds_of(*engine, sound);
  std::vector<double> plain;
  std::vector<double> with_poison;
  std::vector<double> starts;
  std::int64_t restarts = 0;
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < options.count; ++i) {
    plain.push_back(seconds_of(*engine, sound));
    Result result = engine->submit(map_spec({1, 1, 0})).wait();
    with_poison.push_back(seconds_of(*engine, poisoned, &result));
    restarts = std::max(restarts, result.summary().faults.restarts);
    if (!result.done() || result.summary().faults.quarantined.size() != 1) ++wrong;
    starts.push_back(start_seconds());
  }
  const double undisturbed = quantile(plain, 0.5);
  const double allowed =
      kMostSlowdown * undisturbed + static_cast<double>(restarts) * quantile(starts, 0.5);
  report.add("rounds", static_cast<double>(options.count));
  report.add("undisturbed, median", undisturbed, "s");
  report.expect("with a poisonous chunk, median", quantile(with_poison, 0.5), Bound::kAtMost,
                allowed, "s");
  report.add("ratio", quantile(with_poison, 0.5) / undisturbed);
  report.expect("most workers started anew for it", static_cast<double>(restarts), Bound::kAtMost,
                3);
  report.expect("rounds with another quarantine than that chunk", static_cast<double>(wrong),
                Bound::kEqual, 0);
  return report;
}

StormReport run_steady(const StormOptions& options) {
  constexpr int kWorkers = 8;
  constexpr std::int64_t kChunksASecond = 10;
  StormReport report("steady", options);
  std::mt19937_64 random(options.seed);
  JobSpec spec = map_spec({options.count * kChunksASecond * kWorkers, 1, 0});
  spec.params.insert({{"sleep_ns", 1'000'000'000 / kChunksASecond}});
  const auto engine = engine_of(kWorkers);
  engine->kernels();
  const pid_t planner = test::child_processes().back();
  Result wanted = engine->submit(map_spec({1, 1, 0})).wait();
  const double plain = seconds_of(*engine, spec, &wanted);
  std::int64_t kills = 0;
  bool equal = false;
  const double disturbed = seconds_with_kills(*engine, spec, planner, random, kills, equal, wanted);
  report.add("kills", static_cast<double>(kills));
  report.add("undisturbed", plain, "s");
  report.add("with a kill each second", disturbed, "s");
  report.expect("ratio", disturbed / plain, Bound::kAtMost, 1.15);
  report.expect("results that are not equal", equal ? 0 : 1, Bound::kEqual, 0);
  return report;
}

}  // namespace gristmill::chaos
