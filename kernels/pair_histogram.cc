#include "kernels/pair_histogram.h"

#include <algorithm>

#include "kernels/instruction_set.h"
#include "kernels/tally.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerTile = 256 * 256 * 1.0;

Bins bins_of(const kernel::Request& request) {
  return make_bins(request.param<std::int64_t>("bins"), request.param<double>("low"),
                   request.param<double>("high"), GM_FLOAT64);
}

// Keeps, of each target's lanes, those of points before it: pairs i < j. Returns how many.
std::int64_t keep_pairs(double* distances, std::int64_t targets, std::int64_t lanes,
                        std::int64_t first_point, std::int64_t first_target) {
  // Off the diagonal that is all of them, where they lie.
  if (lanes == kLanes && first_target >= first_point + kLanes) return targets * kLanes;
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < targets; ++i) {
    const std::int64_t before = std::clamp<std::int64_t>(first_target + i - first_point, 0, lanes);
    for (std::int64_t lane = 0; lane < before; ++lane) {
      distances[kept++] = distances[i * kLanes + lane];
    }
  }
  return kept;
}

}  // namespace

void PairHistogram::plan(const kernel::Request& request, kernel::Plan& plan) {
  checked_targets(request);
  const std::int64_t bins = bins_of(request).count;
  plan.triangle(request.input("points").rows())
      .accumulator<std::int64_t>(tally_words(bins))
      .nanoseconds_per_item(kNanosecondsPerTile)
      .instruction_set(chosen_pairwise().instruction_set);
  plan.output<std::int64_t>("count", {bins}).output<double>("edges", {bins + 1});
  plan.output<std::int64_t>("outside");
}

PairHistogram::PairHistogram(const kernel::Request& request)
    : bins_(bins_of(request)), distances_(request), add_(chosen_binning().add[GM_FLOAT64]) {}

void PairHistogram::run(const kernel::Chunk& chunk) const {
  const std::int64_t columns = chunk.column_end() - chunk.column_begin();
  const auto block = chunk.scratch<double>(columns * kLanes);
  for (std::int64_t row = chunk.row_begin(); row < chunk.row_end(); row += kLanes) {
    const std::int64_t lanes = std::min<std::int64_t>(kLanes, chunk.row_end() - row);
    distances_.measure(row, chunk.column_begin(), chunk.column_end(), block.data());
    const std::int64_t pairs = keep_pairs(block.data(), columns, lanes, row, chunk.column_begin());
    add_(bins_, {block.data(), 1, pairs}, {nullptr, 0, 1},
         chunk.accumulator<std::int64_t>().data());
  }
}

void PairHistogram::merge(const kernel::Merge& merge) const { merge_tallies<std::int64_t>(merge); }

void PairHistogram::finish(const kernel::Finish& finish) const {
  finish_tally<std::int64_t>(finish, bins_);
}

}  // namespace gristmill::kernels
