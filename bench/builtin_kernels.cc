// What the engine adds to the built-in kernels: jobs of them against OpenMP, whose threads call the
// same plug-in.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/fresh_pages.h"
#include "bench/median.h"
#include "bench/openmp_job.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 21;

double spread(std::int64_t i) { return static_cast<double>((i * 2654435761) % 1000003) / 1000003; }

// Numbers in [0, below), whole ones for an integer T.
template <class T>
Dataset numbers(Shape shape, double below) {
  NewDataset made = Dataset::create(DTypeOf<T>::kDType, shape);
  const std::span<T> values = made.as<T>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<T>(below * spread(static_cast<std::int64_t>(i)));
  }
  return std::move(made).seal();
}

// A job and what is expected of it. Sizes are divided by that much in a smoke run.
struct Line {
  const char* what;
  JobSpec job;
  double target;
};

std::vector<Line> lines(const Options& options) {
  const std::int64_t less = options.smoke ? 64 : 1;
  const auto points = [](std::int64_t count) { return numbers<double>({count, 3}, 1); };
  const std::int64_t rows = 30'000'000 / less;
  return {{"map: mean_distance of 16,384 points",
           {.kernel = "mean_distance",
            .inputs = {{"points", points(16'384 / less)}},
            .params = {{"metric", "euclidean"}}},
           0.97},
          {"window: mean and std of 9 x 9 on 4,096 x 4,096 float32",
           {.kernel = "window",
            .inputs = {{"grid", numbers<float>({4096 / less, 4096}, 1000)}},
            .params = {{"size", "9"}},
            .outputs = {{"mean", {}}, {"std", {}}}},
           0.97},
          {"pairwise of 12,288 points",
           {.kernel = "pairwise",
            .inputs = {{"points", points(12'288 / less)}},
            .params = {{"metric", "euclidean"}}},
           0.97},
          {"pair_histogram of 30,000 points",
           {.kernel = "pair_histogram",
            .inputs = {{"points", points(30'000 / less)}},
            .params = {{"metric", "euclidean"}, {"high", 2.0}}},
           0.97},
          {"histogram of 50,000,000 float64, 100 bins",
           {.kernel = "histogram",
            .inputs = {{"values", numbers<double>({50'000'000 / less}, 1)}},
            .params = {{"bins", std::int64_t{100}}}},
           0.95},
          {"group_stats of 30,000,000 float64 in 1,000 groups",
           {.kernel = "group_stats",
            .inputs = {{"rows", numbers<double>({rows}, 100)},
                       {"keys", numbers<std::int32_t>({rows}, 1000)}},
            .params = {{"groups", std::int64_t{1000}}, {"threshold", 50.0}}},
           0.95},
          {"group_stats of 30,000,000 int32 in 1,000 groups",
           {.kernel = "group_stats",
            .inputs = {{"rows", numbers<std::int32_t>({rows}, 100)},
                       {"keys", numbers<std::int32_t>({rows}, 1000)}},
            .params = {{"groups", std::int64_t{1000}}, {"threshold", 50.0}}},
           0.95}};
}

// Integers are equal; sums of float64 may be rounded in another order.
void require_close(const ArrayView& ours, const std::byte* theirs, const char* what) {
  const auto size = static_cast<std::size_t>(size_bytes(ours.dtype(), ours.shape()).value());
  bool equal = true;
  if (ours.dtype() == DType::kFloat64) {
    std::vector<double> peer(size / sizeof(double));
    std::memcpy(peer.data(), theirs, size);
    const std::span<const double> own = ours.as<double>();
    for (std::size_t i = 0; i < peer.size(); ++i) {
      equal = equal && std::abs(own[i] - peer[i]) <= 1e-9 * std::abs(peer[i]);
    }
  } else {
    equal = std::memcmp(ours.data(), theirs, size) == 0;
  }
  if (!equal) throw std::runtime_error(fmt::format("{}: the peer found something else", what));
}

Figure measure_line(Engine& engine, const Line& line, const Options& options) {
  const JobPlan plan = engine.plan(line.job);
  OpenmpJob peer(line.job, plan);
  std::int64_t huge = 0;
  {
    const Result result = run_job(engine, line.job);
    peer.run();
    for (const JobPlan::OutputPlan& output : plan.outputs) {
      require_close(result.array(output.name), peer.output(output.name), line.what);
    }
  }
  std::vector<Contender> contenders = {
      {"gristmill",
       [&] { return seconds_of([&] { huge = run_job(engine, line.job).summary().huge_bytes; }); }},
      {"OpenMP", [&] { return seconds_of([&] { peer.run(); }); }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  return {fmt::format("{}, speed of OpenMP", line.what),
          median_ratio(contenders[1].values, contenders[0].values),
          "",
          at_least(line.target),
          fmt::format("chunks of {} items; {}; OpenMP on its own warm memory with MADV_HUGEPAGE",
                      plan.chunk_items, huge_pages_in_words(huge, plan.reserved_bytes)),
          quality,
          {{"gristmill, ms", 1000 * median(contenders[0].values)},
           {"OpenMP, ms", 1000 * median(contenders[1].values)}}};
}

// What accumulators cost that are much larger than the caches.
std::vector<Figure> measure_many_bins(Engine& engine, const Options& options) {
  const std::int64_t bins = std::int64_t{1} << (options.smoke ? 16 : 24);
  const auto histogram = [&](std::int64_t count) -> JobSpec {
    return {.kernel = "histogram",
            .inputs = {{"values", numbers<double>({count}, 1)}},
            .params = {{"bins", bins}},
            .outputs = {{"count", {}}}};
  };
  const std::int64_t workers = usable_cpus();
  // A value for each worker: nothing is left but accumulators.
  JobSpec empty = histogram(workers);
  empty.chunk_size = ChunkSize::items(1);
  const std::int64_t size_bytes = engine.plan(empty).accumulator_bytes;
  const JobSpec full = histogram(50'000'000 / (options.smoke ? 64 : 1));
  OpenmpJob peer(full, engine.plan(full));
  const FreshPages from(size_bytes, Pages::kPrivateHuge);
  const FreshPages to(size_bytes, Pages::kPrivateHuge);
  const auto copy = [&] {
    std::memcpy(to.data(), from.data(), static_cast<std::size_t>(size_bytes));
  };
  std::memset(from.data(), 1, static_cast<std::size_t>(size_bytes));
  copy();
  run_job(engine, full);
  std::vector<Contender> contenders = {
      {"gristmill", [&] { return seconds_of([&] { run_job(engine, full); }); }},
      {"OpenMP", [&] { return seconds_of([&] { peer.run(); }); }},
      {"accumulators alone", [&] { return seconds_of([&] { run_job(engine, empty); }); }},
      {"memcpy", [&] { return seconds_of(copy); }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  const std::string what = fmt::format("histogram of {} bins", bins);
  return {{what + ", speed of OpenMP",
           median_ratio(contenders[1].values, contenders[0].values),
           "",
           {},
           fmt::format("accumulators of {} MiB", size_bytes >> 20),
           quality,
           {{"gristmill, ms", 1000 * median(contenders[0].values)},
            {"OpenMP, ms", 1000 * median(contenders[1].values)}}},
          {what + ": zeroing, merging, finishing, per worker, in memcpys of an accumulator",
           median_ratio(contenders[2].values, contenders[3].values) / static_cast<double>(workers),
           "",
           at_most(3),
           fmt::format("a job of {} values; {} accumulators of {} MiB", workers, workers,
                       size_bytes >> 20),
           quality,
           {{"accumulators, ms", 1000 * median(contenders[2].values)},
            {"memcpy, ms", 1000 * median(contenders[3].values)}}}};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  Engine engine({.workers = usable_cpus()});
  std::vector<Figure> figures;
  for (const Line& line : lines(options)) figures.push_back(measure_line(engine, line, options));
  for (Figure& figure : measure_many_bins(engine, options)) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace gristmill::bench
