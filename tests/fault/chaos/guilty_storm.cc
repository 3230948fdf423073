#include <algorithm>
#include <set>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/storm.h"
#include "tests/plugins/item_hash.h"
#include "tests/support/sanitizers.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;

constexpr const char* kWays[] = {"segfault", "abort", "fpe", "exit0", "hang", "memory", "corrupt"};
constexpr std::int64_t kChunkItems = 10;
constexpr std::int64_t kGuiltyEvery = 300;

struct Tally {
  std::int64_t planted = 0;
  std::int64_t convicted = 0;
  std::int64_t innocents = 0;
  std::int64_t wrong_rows = 0;
  std::int64_t failed = 0;
};

JobSpec guilty_spec(const std::string& how, std::int64_t planted) {
  JobSpec spec = map_spec({planted * kGuiltyEvery, kChunkItems, 5'000});
  spec.params.insert({{"guilty_every", kGuiltyEvery}, {"how", how}});
  spec.faults.on_error = OnError::kSkip;
  spec.faults.chunk_timeout = std::chrono::milliseconds(how == "hang" ? 300 : 10'000);
  return spec;
}

bool is_guilty(std::int64_t chunk) {
  return chunk * kChunkItems % kGuiltyEvery == kGuiltyEvery / 2;
}

void check_rows(const Result& result, const std::set<std::int64_t>& convicted, Tally& tally) {
  const auto hashes = result.array().as<std::int64_t>();
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const auto item = static_cast<std::int64_t>(i);
    const bool filled = convicted.contains(item / kChunkItems);
    if (hashes[i] != (filled ? 0 : test::item_hash(item, {}, 1))) ++tally.wrong_rows;
  }
}

void plant(Engine& engine, const std::string& how, std::int64_t planted, StormReport& report,
           Tally& tally) {
  test::Watchdog::restart();
  tally.planted += planted;
  const Result result = engine.submit(guilty_spec(how, planted)).wait();
  if (!result.done()) {
    ++tally.failed;
    return report.note(how + ": " + (result.error() ? result.error()->message() : "cancelled"));
  }
  std::set<std::int64_t> convicted;
  for (const QuarantinedItems& items : result.summary().faults.quarantined) {
    convicted.insert(items.chunk);
    ++(is_guilty(items.chunk) ? tally.convicted : tally.innocents);
  }
  if (static_cast<std::int64_t>(convicted.size()) != planted) {
    report.note(how + ": " + std::to_string(convicted.size()) + " convicted");
  }
  check_rows(result, convicted, tally);
}

}  // namespace

StormReport run_guilty(const StormOptions& options) {
  constexpr std::int64_t kMostInAJob = 10;
  constexpr std::int64_t kWorkerMemory = std::int64_t{64} << 20;
  StormReport report("guilty", options);
  Tally all;
  const auto of_each = (options.count + std::ssize(kWays) - 1) / std::ssize(kWays);
  for (const std::string how : kWays) {
    // The sanitizer's own memory is more than any limit.
    if (how == "memory" && test::kSanitized) continue;
    Tally tally;
    const auto engine = engine_of(4, {}, how == "memory" ? kWorkerMemory : 0);
    while (tally.planted < of_each) {
      plant(*engine, how, std::min(kMostInAJob, of_each - tally.planted), report, tally);
    }
    report.expect("convicted of " + how, static_cast<double>(tally.convicted), Bound::kEqual,
                  static_cast<double>(tally.planted));
    all.innocents += tally.innocents;
    all.wrong_rows += tally.wrong_rows;
    all.failed += tally.failed;
  }
  report.expect("innocents convicted", static_cast<double>(all.innocents), Bound::kEqual, 0);
  report.expect("rows that are wrong", static_cast<double>(all.wrong_rows), Bound::kEqual, 0);
  report.expect("jobs that failed", static_cast<double>(all.failed), Bound::kEqual, 0);
  return report;
}

}  // namespace gristmill::chaos
