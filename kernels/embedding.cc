#include "kernels/embedding.h"

#include <cmath>
#include <numbers>
#include <string>

namespace gristmill::kernels {

void check_points(const kernel::Input& input, Metric metric) {
  const std::string name = std::string("input \"") + input.name() + "\"";
  input.require_dtype({GM_FLOAT64, GM_FLOAT32}).require_rank(2);
  if (metric == Metric::kHaversine && input.columns() != 2) {
    throw kernel::Invalid("metric \"haversine\" needs two columns, latitude and longitude; " +
                              name + " has " + std::to_string(input.columns()),
                          "Metric \"euclidean\" takes any number of columns.");
  }
  if (input.columns() == 0) throw kernel::Invalid(name + " has no columns");
}

std::int64_t dimension_of(const kernel::Input& input, Metric metric) {
  return metric == Metric::kHaversine ? 3 : input.columns();
}

Embedding::Embedding(const kernel::Input& input, Metric metric)
    : metric_(metric),
      rows_(input.rows()),
      columns_(input.columns()),
      dimension_(dimension_of(input, metric)) {
  if (input.dtype() == GM_FLOAT32) {
    narrow_ = input.as<float>();
  } else {
    wide_ = input.as<double>();
  }
}

double Embedding::value(std::int64_t row, std::int64_t column) const {
  const auto i = static_cast<std::size_t>(row * columns_ + column);
  return narrow_.empty() ? wide_[i] : static_cast<double>(narrow_[i]);
}

void Embedding::write(std::int64_t row, double* out, std::int64_t stride) const {
  if (metric_ == Metric::kEuclidean) {
    for (std::int64_t k = 0; k < dimension_; ++k) out[k * stride] = value(row, k);
    return;
  }
  constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;
  const double latitude = value(row, 0) * kRadiansPerDegree;
  const double longitude = value(row, 1) * kRadiansPerDegree;
  const double half_parallel = 0.5 * std::cos(latitude);
  out[0] = half_parallel * std::cos(longitude);
  out[stride] = half_parallel * std::sin(longitude);
  out[2 * stride] = 0.5 * std::sin(latitude);
}

}  // namespace gristmill::kernels
