// Ten jobs in a row, each reading the result of the one before.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/fresh_pages.h"
#include "bench/median.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 5;
constexpr int kJobs = 10;
constexpr int kFirstCounted = 3;  // jobs 1 and 2 make the memory that the others use again

// What a first touch of a small shared page costs here and now.
double seconds_per_fault() {
  constexpr std::int64_t kBytes = 64 << 20;
  const FreshPages pages(kBytes, Pages::kShared);
  const auto page = sysconf(_SC_PAGESIZE);
  const auto faults = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  const auto before = faults();
  const double seconds = seconds_of([&] {
    for (std::int64_t i = 0; i < kBytes / 8; i += page / 8) pages.data()[i] = 1;
  });
  return seconds / static_cast<double>(std::max<long>(1, faults() - before));
}

struct ChainCosts {
  double seconds = 0;  // of the jobs that count, as are the others
  double faulted_pages = 0;
  double copied_bytes = 0;
  std::int64_t huge_bytes = 0;  // of the last
};

ChainCosts run_chain(const Dataset& start) {
  Engine engine(with_bench_kernels(0));
  ChainCosts costs;
  Dataset next = start;
  for (int job = 1; job <= kJobs; ++job) {
    const auto begin = std::chrono::steady_clock::now();
    const Result result = run_job(engine, {.kernel = "stream", .inputs = {{"rows", next}}});
    next = result.dataset();
    if (job < kFirstCounted) continue;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const JobSummary& summary = result.summary();
    costs.seconds += took.count();
    costs.faulted_pages +=
        static_cast<double>(summary.faulted_bytes) / static_cast<double>(sysconf(_SC_PAGESIZE));
    costs.copied_bytes += static_cast<double>(summary.copied_bytes);
    costs.huge_bytes = summary.huge_bytes;
  }
  return costs;
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const std::int64_t count = std::int64_t{options.smoke ? 4 : 512} << 17;
  const std::vector<double> ones(static_cast<std::size_t>(count), 1.0);
  const Dataset start = Dataset::copy_of(ArrayView(std::span<const double>(ones), {count}));
  ChainCosts last;
  std::vector<double> job_seconds;
  std::vector<double> pages;
  std::vector<double> fault_seconds;
  double copied = 0;
  std::vector<Contender> contenders = {{"fault time", [&] {
                                          fault_seconds.push_back(seconds_per_fault());
                                          last = run_chain(start);
                                          job_seconds.push_back(last.seconds);
                                          pages.push_back(last.faulted_pages);
                                          copied = std::max(copied, last.copied_bytes);
                                          return last.faulted_pages * fault_seconds.back() /
                                                 (last.seconds * usable_cpus());
                                        }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  constexpr double kCounted = kJobs - kFirstCounted + 1;
  const std::string what = fmt::format("chain of {} jobs, {} MiB each", kJobs, count >> 17);
  const Figure faults{what + ", fault time of jobs 3 to 10",
                      100 * median(contenders[0].values),
                      "%",
                      at_most(2),
                      "faults times the cost of a first touch, of the workers' time; in memory, of "
                      "the last output " +
                          huge_pages_in_words(last.huge_bytes, count * 8),
                      quality,
                      {{"a job, ms", 1000 * median(job_seconds) / kCounted},
                       {"faults a job", median(pages) / kCounted},
                       {"a fault, us", 1e6 * median(fault_seconds)}}};
  return {faults, {what + ", copied", copied, "B", at_most(0), ""}};
}

}  // namespace gristmill::bench
