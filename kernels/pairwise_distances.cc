#include "kernels/pairwise_distances.h"

#include <algorithm>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerTile = 256 * 256 * 0.6;

}  // namespace

void PairwiseDistances::plan(const kernel::Request& request, kernel::Plan& plan) {
  const std::int64_t points = request.input("points").rows();
  const std::int64_t targets = checked_targets(request).rows();
  if (request.input("targets").given()) {
    plan.tiles(points, targets);
  } else {
    plan.triangle(points);
  }
  plan.output<double>("distance")
      .nanoseconds_per_item(kNanosecondsPerTile)
      .instruction_set(chosen_pairwise().instruction_set);
}

PairwiseDistances::PairwiseDistances(const kernel::Request& request)
    : symmetric_(!request.input("targets").given()),
      targets_(checked_targets(request).rows()),
      distances_(request) {}

void PairwiseDistances::run(const kernel::Chunk& chunk) const {
  const std::int64_t columns = chunk.column_end() - chunk.column_begin();
  const auto block = chunk.scratch<double>(columns * kLanes);
  double* matrix = chunk.whole_output<double>("distance").data();
  for (std::int64_t row = chunk.row_begin(); row < chunk.row_end(); row += kLanes) {
    const std::int64_t lanes = std::min<std::int64_t>(kLanes, chunk.row_end() - row);
    distances_.measure(row, chunk.column_begin(), chunk.column_end(), block.data());
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      double* to = matrix + (row + lane) * targets_ + chunk.column_begin();
      for (std::int64_t i = 0; i < columns; ++i) to[i] = block.data()[i * kLanes + lane];
    }
    if (!symmetric_ || chunk.row_begin() == chunk.column_begin()) continue;
    for (std::int64_t i = 0; i < columns; ++i) {
      std::copy_n(block.data() + i * kLanes, lanes,
                  matrix + (chunk.column_begin() + i) * targets_ + row);
    }
  }
}

}  // namespace gristmill::kernels
