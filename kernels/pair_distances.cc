#include "kernels/pair_distances.h"

#include <algorithm>
#include <string>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

Metric metric_of(const kernel::Request& request) {
  constexpr const char* kNames[] = {"haversine", "euclidean"};
  return static_cast<Metric>(request.choice("metric", kNames));
}

bool has_targets(const kernel::Request& request) {
  return request.kernel().input_count > 1 && request.input("targets").given();
}

std::vector<double> embedded(const kernel::Input& input, Metric metric) {
  const Embedding points(input, metric);
  std::vector<double> coordinates(static_cast<std::size_t>(points.rows() * points.dimension()));
  for (std::int64_t row = 0; row < points.rows(); ++row) {
    points.write(row, coordinates.data() + row * points.dimension(), 1);
  }
  return coordinates;
}

}  // namespace

kernel::Input checked_targets(const kernel::Request& request) {
  const Metric metric = metric_of(request);
  const kernel::Input points = request.input("points");
  check_points(points, metric);
  if (!has_targets(request)) return points;
  const kernel::Input targets = request.input("targets");
  check_points(targets, metric);
  if (points.columns() != targets.columns()) {
    throw kernel::Invalid("input \"targets\" has " + std::to_string(targets.columns()) +
                          " columns, input \"points\" has " + std::to_string(points.columns()));
  }
  return targets;
}

PairDistances::PairDistances(const kernel::Request& request)
    : metric_(metric_of(request)),
      pairwise_(&chosen_pairwise()),
      dimension_(dimension_of(request.input("points"), metric_)),
      points_(request.input("points").rows()),
      coordinates_(embedded(request.input("points"), metric_)) {
  const kernel::Input targets = checked_targets(request);
  if (has_targets(request)) target_coordinates_ = embedded(targets, metric_);
}

void PairDistances::measure(std::int64_t begin, std::int64_t target_begin, std::int64_t target_end,
                            double* distances) const {
  // Lanes without a point repeat the last one.
  std::vector<double> lanes(static_cast<std::size_t>(dimension_ * kLanes));
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    const double* point = coordinates_.data() + std::min(begin + lane, points_ - 1) * dimension_;
    for (std::int64_t k = 0; k < dimension_; ++k) {
      lanes[static_cast<std::size_t>(k * kLanes + lane)] = point[k];
    }
  }
  Group group{};
  group.coordinates = lanes.data();
  group.points = kLanes;
  const std::vector<double>& targets =
      target_coordinates_.empty() ? coordinates_ : target_coordinates_;
  const Tile tile{targets.data(), dimension_, target_begin, target_end};
  if (metric_ == Metric::kHaversine) {
    pairwise_->distances_haversine(tile, group, 2.0 * kEarthRadiusKm, distances);
  } else {
    pairwise_->distances_euclidean(tile, group, 1.0, distances);
  }
}

}  // namespace gristmill::kernels
