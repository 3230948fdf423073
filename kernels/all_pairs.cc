#include "kernels/all_pairs.h"

#include <iterator>
#include <string>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

kernel::Input targets_in(const kernel::Request& request) {
  const kernel::Input targets = request.input("targets");
  return targets.given() ? targets : request.input("points");
}

// The metric, if it and the inputs fit together.
Metric check(const kernel::Request& request) {
  constexpr const char* kNames[] = {"haversine", "euclidean"};
  const auto metric = static_cast<Metric>(request.choice("metric", kNames));
  const kernel::Input points = request.input("points");
  const kernel::Input targets = targets_in(request);
  check_points(points, metric);
  check_points(targets, metric);
  if (points.columns() != targets.columns()) {
    throw kernel::Invalid("input \"targets\" has " + std::to_string(targets.columns()) +
                          " columns, input \"points\" has " + std::to_string(points.columns()));
  }
  return metric;
}

}  // namespace

void AllPairs::plan(const kernel::Request& request, kernel::Plan& plan,
                    double nanoseconds_per_pair) {
  check(request);
  plan.rows_of("points")
      .nanoseconds_per_item(nanoseconds_per_pair * static_cast<double>(targets_in(request).rows()))
      .instruction_set(chosen_pairwise().instruction_set);
}

AllPairs::AllPairs(const kernel::Request& request)
    : metric_(check(request)),
      pairwise_(&chosen_pairwise()),
      points_(request.input("points"), metric_),
      against_themselves_(!request.input("targets").given()),
      targets_(targets_in(request), metric_) {}

void AllPairs::to_distances(double (&lanes)[kLanes]) const {
  (metric_ == Metric::kHaversine ? pairwise_->haversine : pairwise_->euclidean)(lanes);
  for (double& lane : lanes) lane *= unit();
}

AllPairs::Block AllPairs::load(std::int64_t begin, std::int64_t end) const {
  const auto group_count = static_cast<std::size_t>((end - begin + kLanes - 1) / kLanes);
  const auto group_size = static_cast<std::size_t>(points_.dimension() * kLanes);
  Block block{std::vector<double>(group_count * group_size), std::vector<Group>(group_count)};
  for (std::size_t g = 0; g < group_count; ++g) {
    const std::int64_t first = begin + static_cast<std::int64_t>(g) * kLanes;
    Group& group = block.groups[g];
    group.points = static_cast<int>(std::min<std::int64_t>(kLanes, end - first));
    double* coordinates = block.coordinates.data() + g * group_size;
    group.coordinates = coordinates;
    for (int lane = 0; lane < group.points; ++lane) {
      points_.write(first + lane, coordinates + lane, kLanes);
    }
    find_selves(first, group);
  }
  return block;
}

void AllPairs::find_selves(std::int64_t begin, Group& group) const {
  std::fill(std::begin(group.self), std::end(group.self), -1);
  group.self_begin = group.self_end = 0;
  if (!against_themselves_) return;
  group.self_begin = targets_.first_from(begin);
  group.self_end = targets_.first_from(begin + group.points);
  for (std::int64_t target = group.self_begin; target < group.self_end; ++target) {
    group.self[targets_.row_of(target) - begin] = target;
  }
}

// Tiles begin at the same targets in every chunk, because sums are taken tile by tile.
Tile AllPairs::tile_at(std::int64_t begin) const {
  constexpr std::int64_t kTileBytes = 24 * 1024;
  const std::int64_t dimension = points_.dimension();
  const std::int64_t length =
      std::max<std::int64_t>(kLanes, kTileBytes / (dimension * std::int64_t{sizeof(double)}));
  return {targets_.coordinates(), dimension, begin, std::min(begin + length, targets_.count())};
}

}  // namespace gristmill::kernels
