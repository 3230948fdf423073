// Nanoseconds per pair of the inner loops, for each instruction set that this CPU has.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/program.h"
#include "kernels/instruction_set.h"
#include "kernels/pairwise.h"

namespace gristmill::bench {
namespace {

using kernels::Group;
using kernels::kLanes;
using kernels::Pairwise;
using kernels::Tile;

constexpr std::int64_t kTargets = 1024;

// Half unit vectors in all directions, or points in a cube for other dimensions than three.
std::vector<double> random_points(std::int64_t count, std::int64_t dimension) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<std::size_t>(count * dimension));
  for (double& value : values) value = normal(random);
  for (std::size_t i = 0; dimension == 3 && i < values.size(); i += 3) {
    const double norm = std::hypot(values[i], values[i + 1], values[i + 2]);
    for (std::size_t k = 0; k < 3; ++k) values[i + k] *= 0.5 / norm;
  }
  return values;
}

template <class Lanes>
void run_loop(benchmark::State& state, void (*loop)(const Tile&, const Group&, Lanes&),
              std::int64_t dimension) {
  const auto targets = random_points(kTargets, dimension);
  const auto points = random_points(kLanes, dimension);
  Group group{points.data(), kLanes, {}, 0, 0};
  std::fill(std::begin(group.self), std::end(group.self), -1);
  Lanes lanes{};
  for (auto _ : state) {
    loop({targets.data(), dimension, 0, kTargets}, group, lanes);
    benchmark::DoNotOptimize(lanes);
  }
  state.counters["per_pair"] = benchmark::Counter(
      static_cast<double>(kTargets * kLanes),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class Loop>
void add(const Pairwise& pairwise, const char* name, Loop loop, std::int64_t dimension) {
  const std::string full =
      std::string(name) + "/" + std::to_string(dimension) + "/" + pairwise.instruction_set;
  benchmark::RegisterBenchmark(full.c_str(), [loop, dimension](benchmark::State& state) {
    run_loop(state, loop, dimension);
  });
}

// The medians of the repetitions; the only run in a smoke run.
class FigureReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Aggregate && run.aggregate_name != "median") continue;
      const double seconds = run.counters.at("per_pair").value;
      figures_.push_back({run.run_name.str() + ", per pair", 1e9 * seconds, "ns", {}, ""});
    }
  }
  std::vector<Figure>& figures() { return figures_; }

 private:
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> measure(const Options& options) {
  for (const Pairwise* pairwise : kernels::supported_pairwise()) {
    add(*pairwise, "mean_haversine", pairwise->mean_haversine, 3);
    add(*pairwise, "mean_euclidean", pairwise->mean_euclidean, 2);
    add(*pairwise, "mean_euclidean", pairwise->mean_euclidean, 64);
    add(*pairwise, "largest", pairwise->largest, 3);
    add(*pairwise, "nearest", pairwise->nearest, 3);
    add(*pairwise, "nearest", pairwise->nearest, 64);
  }
  std::vector<std::string> words = {"bench_pairwise", "--benchmark_min_time=0.001"};
  if (!options.smoke) {
    words = {"bench_pairwise", "--benchmark_min_time=0.1", "--benchmark_repetitions=5",
             "--benchmark_report_aggregates_only=true"};
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  FigureReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return std::move(reporter.figures());
}

}  // namespace gristmill::bench
