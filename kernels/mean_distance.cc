#include "kernels/mean_distance.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>

namespace gristmill::kernels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNanosecondsPerPair = 1.0;

MeanLanes of_no_targets() {
  MeanLanes lanes{};
  std::fill(std::begin(lanes.largest_squared), std::end(lanes.largest_squared), -1.0);
  return lanes;
}

}  // namespace

void MeanDistance::plan(const kernel::Request& request, kernel::Plan& plan) {
  AllPairs::plan(request, plan, kNanosecondsPerPair);
  plan.output<double>("mean").output<double>("max");
}

void MeanDistance::run(const kernel::Chunk& chunk) const {
  std::span<double> mean;
  std::span<double> max;
  if (chunk.wanted("mean")) mean = chunk.output<double>("mean");
  if (chunk.wanted("max")) max = chunk.output<double>("max");

  const Pairwise& loops = pairs_.pairwise();
  const auto summed =
      pairs_.metric() == Metric::kHaversine ? loops.mean_haversine : loops.mean_euclidean;
  pairs_.run(chunk, of_no_targets(), mean.empty() ? loops.largest : summed,
             [&](std::size_t first, const Group& group, MeanLanes& lanes) {
               for (double& largest : lanes.largest_squared)
                 largest = largest < 0.0 ? kNaN : largest;
               pairs_.to_distances(lanes.largest_squared);
               for (int lane = 0; lane < group.points; ++lane) {
                 const std::size_t row = first + static_cast<std::size_t>(lane);
                 const std::int64_t targets =
                     pairs_.targets().count() - (group.self[lane] >= 0 ? 1 : 0);
                 // 0 / 0 is the NaN that is wanted.
                 if (!mean.empty()) {
                   mean[row] = pairs_.unit() * lanes.sum[lane] / static_cast<double>(targets);
                 }
                 if (!max.empty()) max[row] = lanes.largest_squared[lane];
               }
             });
}

}  // namespace gristmill::kernels
