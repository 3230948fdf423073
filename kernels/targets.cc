#include "kernels/targets.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace gristmill::kernels {
namespace {

bool has_nan(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
}

}  // namespace

Targets::Targets(const kernel::Input& input, Metric metric) {
  if (metric == Metric::kEuclidean && input.dtype() == GM_FLOAT64) {
    const auto values = input.as<double>();
    if (!has_nan(values)) {
      count_ = input.rows();
      coordinates_ = values.data();
      return;
    }
  }
  embed(Embedding(input, metric));
}

void Targets::embed(const Embedding& points) {
  const auto dimension = static_cast<std::size_t>(points.dimension());
  own_coordinates_.reserve(static_cast<std::size_t>(points.rows()) * dimension);
  std::vector<double> point(dimension);
  for (std::int64_t row = 0; row < points.rows(); ++row) {
    points.write(row, point.data(), 1);
    if (has_nan(point)) continue;
    own_coordinates_.insert(own_coordinates_.end(), point.begin(), point.end());
    rows_.push_back(row);
  }
  count_ = static_cast<std::int64_t>(rows_.size());
  coordinates_ = own_coordinates_.data();
  if (count_ == points.rows()) rows_ = {};
}

std::int64_t Targets::first_from(std::int64_t row) const {
  if (rows_.empty()) return std::min(row, count_);
  return std::lower_bound(rows_.begin(), rows_.end(), row) - rows_.begin();
}

}  // namespace gristmill::kernels
