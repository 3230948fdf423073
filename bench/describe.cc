// What a reduce costs that reads memory once: describe, against OpenMP with the same loop, and
// against nothing but reading.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/fresh_pages.h"
#include "bench/kernels/loops.h"
#include "bench/median.h"
#include "bench/peers.h"
#include "bench/program.h"
#include "kernels/instruction_set.h"

namespace gristmill::bench {
namespace {

using kernels::ColumnMoments;

constexpr int kRounds = 21;

// The same loop and the same merge as the kernel has, a block of the chunk's size per iteration.
class Peer {
 public:
  Peer(const double* values, std::int64_t count, std::int64_t block)
      : values_(values),
        count_(count),
        block_(block),
        partials_(static_cast<std::size_t>(blocks())) {}

  ColumnMoments openmp() {
    openmp_static(usable_cpus(), blocks(), [this](std::int64_t i) { add(i); });
    return merged();
  }
  ColumnMoments tbb() {
    tbb_automatic(blocks(), [this](std::int64_t i) { add(i); });
    return merged();
  }

 private:
  std::int64_t blocks() const { return (count_ + block_ - 1) / block_; }
  void add(std::int64_t i) {
    ColumnMoments& partial = partials_[static_cast<std::size_t>(i)];
    partial = {};
    kernels::chosen_column_moments().add[GM_FLOAT64](
        values_ + i * block_, std::min(block_, count_ - i * block_), 1, &partial);
  }
  ColumnMoments merged() const {
    ColumnMoments all = {};
    for (const ColumnMoments& partial : partials_) kernels::merge(all, partial);
    return all;
  }

  const double* values_;
  std::int64_t count_;
  std::int64_t block_;
  std::vector<ColumnMoments> partials_;
};

double openmp_read(const double* values, std::int64_t count) {
  constexpr std::int64_t kBlock = 65536;
  std::vector<double> sums(static_cast<std::size_t>(count / kBlock));
  openmp_static(usable_cpus(), count / kBlock, [&](std::int64_t i) {
    sums[static_cast<std::size_t>(i)] = sum(values + i * kBlock, kBlock);
  });
  double all = 0;
  for (const double part : sums) all += part;
  return all;
}

void fill(double* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<double>((i * 2654435761) % 1000003) / 1000003;
  }
}

// Both have read all of it.
void require_equal(double ours, double theirs) {
  if (std::abs(ours - theirs) > 1e-12) throw std::runtime_error("the peer found another mean");
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const std::int64_t size_bytes = std::int64_t{options.smoke ? 4 : 1024} << 20;
  const std::int64_t count = size_bytes / 8;
  const FreshPages values(size_bytes, Pages::kPrivateHuge);
  fill(values.data(), count);
  // In memory of the engine's own, huge, warm in the workers: a result.
  Engine engine(with_bench_kernels(0));
  const std::span<const double> all(values.data(), static_cast<std::size_t>(count));
  const Result placed = run_job(
      engine,
      {.kernel = "stream", .inputs = {{"rows", Dataset::copy_of(ArrayView(all, {count}))}}});
  const Dataset rows = placed.dataset();
  const double* same_values = rows.view().as<double>().data();
  std::copy(same_values, same_values + count, values.data());
  const JobSpec job{.kernel = "describe", .inputs = {{"rows", rows}}};
  Peer peer(values.data(), count, engine.plan(job).chunk_items);
  const auto describe = [&] { return run_job(engine, job).array("mean").as<double>()[0]; };
  require_equal(describe(), peer.openmp().mean);
  std::vector<Contender> contenders = {
      {"gristmill", [&] { return seconds_of(describe); }},
      {"OpenMP", [&] { return seconds_of([&] { peer.openmp(); }); }},
      {"oneTBB", [&] { return seconds_of([&] { peer.tbb(); }); }},
      {"plain read", [&] { return seconds_of([&] { openmp_read(values.data(), count); }); }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  const std::string placement =
      "in-memory dataset, " + huge_pages_in_words(placed.summary().huge_bytes, size_bytes) +
      "; OpenMP and the plain read on their own warm memory with MADV_HUGEPAGE";
  const std::vector<std::pair<std::string, double>> details = {
      {"gristmill, ms", 1000 * median(contenders[0].values)},
      {"OpenMP, ms", 1000 * median(contenders[1].values)},
      {"oneTBB, ms", 1000 * median(contenders[2].values)},
      {"plain read, ms", 1000 * median(contenders[3].values)}};
  return {
      {fmt::format("describe over {} MiB of float64, speed of OpenMP", size_bytes >> 20),
       median_ratio(contenders[1].values, contenders[0].values), "", at_least(0.95), placement,
       quality, details},
      {fmt::format("describe over {} MiB of float64, bandwidth of a plain read", size_bytes >> 20),
       median_ratio(contenders[3].values, contenders[0].values), "", at_least(0.8), placement,
       quality}};
}

}  // namespace gristmill::bench
