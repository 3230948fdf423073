// What the memory of a large output costs a map: fresh, against plain first touch; used again,
// against OpenMP on its own warm memory.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/fresh_pages.h"
#include "bench/kernels/loops.h"
#include "bench/median.h"
#include "bench/peers.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 7;
constexpr std::int64_t kBlock = 65536;

void openmp_stream(const double* from, double* to, std::int64_t count) {
  openmp_static(usable_cpus(), count / kBlock,
                [&](std::int64_t i) { stream(from + i * kBlock, to + i * kBlock, kBlock); });
}

void tbb_stream(const double* from, double* to, std::int64_t count) {
  tbb_automatic(count / kBlock,
                [&](std::int64_t i) { stream(from + i * kBlock, to + i * kBlock, kBlock); });
}

std::string placement(std::int64_t huge_bytes, std::int64_t size_bytes) {
  return "in-memory dataset; of the output " + huge_pages_in_words(huge_bytes, size_bytes);
}

struct Arrays {
  explicit Arrays(std::int64_t size_bytes)
      : count(size_bytes / 8),
        values(size_bytes, Pages::kPrivateHuge),
        result(size_bytes, Pages::kPrivateHuge),
        rows([&] {
          std::fill(values.data(), values.data() + count, 1.0);
          std::fill(result.data(), result.data() + count, 1.0);
          const std::span<const double> all(values.data(), static_cast<std::size_t>(count));
          return Dataset::copy_of(ArrayView(all, {count}));
        }()) {}

  JobSpec job() const { return {.kernel = "stream", .inputs = {{"rows", rows}}}; }
  std::int64_t size_bytes() const { return count * 8; }

  std::int64_t count;
  FreshPages values;
  FreshPages result;
  Dataset rows;
};

double first_touch(const Arrays& arrays) {
  const FreshPages untouched(arrays.size_bytes(), Pages::kShared);
  return seconds_of([&] { openmp_stream(arrays.values.data(), untouched.data(), arrays.count); });
}

double warm_openmp(const Arrays& arrays) {
  return seconds_of(
      [&] { openmp_stream(arrays.values.data(), arrays.result.data(), arrays.count); });
}

// Rounds of a job with a fresh output, of first touch, and of OpenMP into warm memory. huge_bytes
// is read after them: fresh_job sets it.
Figure against_first_touch(const std::string& what, const Arrays& arrays, const Options& options,
                           const std::function<double()>& fresh_job,
                           const std::int64_t& huge_bytes) {
  std::vector<Contender> contenders = {{"gristmill", fresh_job},
                                       {"first touch", [&] { return first_touch(arrays); }},
                                       {"warm", [&] { return warm_openmp(arrays); }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  // The cost of memory being fresh alone.
  std::vector<double> job_excess;
  std::vector<double> touch_excess;
  for (std::size_t i = 0; i < contenders[0].values.size(); ++i) {
    job_excess.push_back(contenders[0].values[i] - contenders[2].values[i]);
    touch_excess.push_back(contenders[1].values[i] - contenders[2].values[i]);
  }
  return {
      fmt::format("{}, output of {} MiB, time of first touch", what, arrays.size_bytes() >> 20),
      median_ratio(contenders[0].values, contenders[1].values),
      "",
      {},
      placement(huge_bytes, arrays.size_bytes()),
      quality,
      {{"gristmill, ms", 1000 * median(contenders[0].values)},
       {"OpenMP into untouched shared pages, ms", 1000 * median(contenders[1].values)},
       {"OpenMP into warm memory, ms", 1000 * median(contenders[2].values)},
       {"beyond the time of warm memory, of first touch", median_ratio(job_excess, touch_excess)}}};
}

// Workers are up and have the input mapped, but nothing is kept of the memory of ended jobs.
Figure fresh_output(const Arrays& arrays, const Options& options) {
  EngineOptions keeps_nothing = with_bench_kernels(0);
  keeps_nothing.cache_bytes = 0;
  Engine engine(keeps_nothing);
  std::int64_t huge = 0;
  const auto job = [&] {
    return seconds_of([&] { huge = run_job(engine, arrays.job()).summary().huge_bytes; });
  };
  job();
  Figure figure = against_first_touch("map on fresh memory", arrays, options, job, huge);
  figure.target = at_most(huge > 0 ? 1.0 / 8 : 1.0 / 2);
  return figure;
}

// With what else is new to workers: plug-in, input, their own pages.
Figure first_job(const Arrays& arrays, const Options& options) {
  std::int64_t huge = 0;
  const auto job = [&] {
    Engine engine(with_bench_kernels(0));
    engine.plan(arrays.job());
    return seconds_of([&] { huge = run_job(engine, arrays.job()).summary().huge_bytes; });
  };
  return against_first_touch("first job of an engine", arrays, options, job, huge);
}

Figure warm_output(const Arrays& arrays, const Options& options) {
  Engine engine(with_bench_kernels(0));
  run_job(engine, arrays.job());
  std::int64_t huge = 0;
  std::vector<Contender> contenders = {
      {"second job",
       [&] {
         return seconds_of([&] { huge = run_job(engine, arrays.job()).summary().huge_bytes; });
       }},
      {"OpenMP", [&] { return warm_openmp(arrays); }},
      {"oneTBB", [&] {
         return seconds_of(
             [&] { tbb_stream(arrays.values.data(), arrays.result.data(), arrays.count); });
       }}};
  // Each round is short, so there are many.
  const Quality quality = run_in_turns(contenders, 3 * kRounds, options);
  return {
      fmt::format("second map, output of {} MiB, time of OpenMP", arrays.size_bytes() >> 20),
      median_ratio(contenders[0].values, contenders[1].values),
      "",
      at_most(1.10),
      placement(huge, arrays.size_bytes()) + "; OpenMP on its own warm memory with MADV_HUGEPAGE",
      quality,
      {{"gristmill, ms", 1000 * median(contenders[0].values)},
       {"OpenMP, ms", 1000 * median(contenders[1].values)},
       {"oneTBB, ms", 1000 * median(contenders[2].values)}}};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const Arrays arrays(std::int64_t{options.smoke ? 4 : 512} << 20);
  return {fresh_output(arrays, options), first_job(arrays, options), warm_output(arrays, options)};
}

}  // namespace gristmill::bench
