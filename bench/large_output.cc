// What the memory of a large output costs a map: fresh, against plain first touch; used again,
// against OpenMP on its own warm memory.
#include <algorithm>
#include <memory>

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

Figure fresh_output(const Arrays& arrays, const Options& options) {
  // Nothing is kept for the next job, so every output is fresh; input and plug-in are in place.
  EngineOptions keeps_nothing = with_bench_kernels(0);
  keeps_nothing.cache_bytes = 0;
  Engine engine(keeps_nothing);
  std::int64_t huge = run_job(engine, arrays.job()).summary().huge_bytes;
  std::vector<Contender> contenders = {
      {"later job",
       [&] {
         return seconds_of(
             [&] { huge = std::min(huge, run_job(engine, arrays.job()).summary().huge_bytes); });
       }},
      {"first job",
       [&] {
         Engine started(with_bench_kernels(0));
         started.plan(arrays.job());
         return seconds_of([&] { run_job(started, arrays.job()); });
       }},
      {"first touch", [&] { return first_touch(arrays); }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  return {fmt::format("map with an output of {} MiB, fresh memory, time of first touch",
                      arrays.size_bytes() >> 20),
          median_ratio(contenders[0].values, contenders[2].values),
          "",
          at_most(huge > 0 ? 1.0 / 8 : 1.0 / 2),
          placement(huge, arrays.size_bytes()),
          quality,
          {{"job with a fresh output, ms", 1000 * median(contenders[0].values)},
           {"first job of an engine, ms", 1000 * median(contenders[1].values)},
           {"OpenMP into untouched shared pages, ms", 1000 * median(contenders[2].values)},
           {"first job of an engine, of first touch",
            median_ratio(contenders[1].values, contenders[2].values)}}};
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
      {"OpenMP",
       [&] {
         return seconds_of(
             [&] { openmp_stream(arrays.values.data(), arrays.result.data(), arrays.count); });
       }},
      {"oneTBB", [&] {
         return seconds_of(
             [&] { tbb_stream(arrays.values.data(), arrays.result.data(), arrays.count); });
       }}};
  // Each round is short, so there are many.
  const Quality quality = run_in_turns(contenders, 3 * kRounds, options);
  return {
      fmt::format("map with an output of {} MiB, second job, time of OpenMP",
                  arrays.size_bytes() >> 20),
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
  return {fresh_output(arrays, options), warm_output(arrays, options)};
}

}  // namespace gristmill::bench
