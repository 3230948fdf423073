#include "kernels/nearest.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerPair = 0.5;

NearestLanes of_no_targets() {
  NearestLanes lanes{};
  std::fill(std::begin(lanes.squared), std::end(lanes.squared),
            std::numeric_limits<double>::infinity());
  std::fill(std::begin(lanes.index), std::end(lanes.index), -1);
  return lanes;
}

}  // namespace

void Nearest::plan(const kernel::Request& request, kernel::Plan& plan) {
  AllPairs::plan(request, plan, kNanosecondsPerPair);
  plan.output<std::int64_t>("index").output<double>("distance");
}

void Nearest::run(const kernel::Chunk& chunk) const {
  std::span<std::int64_t> index;
  std::span<double> distance;
  if (chunk.wanted("index")) index = chunk.output<std::int64_t>("index");
  if (chunk.wanted("distance")) distance = chunk.output<double>("distance");

  pairs_.run(chunk, of_no_targets(), pairs_.pairwise().nearest,
             [&](std::size_t first, const Group& group, NearestLanes& lanes) {
               pairs_.to_distances(lanes.squared);
               for (int lane = 0; lane < group.points; ++lane) {
                 const std::size_t row = first + static_cast<std::size_t>(lane);
                 const std::int64_t target = lanes.index[lane];
                 const bool found = target >= 0;
                 if (!index.empty()) index[row] = found ? pairs_.targets().row_of(target) : -1;
                 if (!distance.empty()) {
                   distance[row] =
                       found ? lanes.squared[lane] : std::numeric_limits<double>::quiet_NaN();
                 }
               }
             });
}

}  // namespace gristmill::kernels
