#include "kernels/embedding.h"

#include <cmath>
#include <numbers>
#include <string>

namespace gristmill::kernels {
namespace {

template <class T>
void read_row(const void* row, std::int64_t columns, double* out, std::int64_t stride) {
  const T* const values = static_cast<const T*>(row);
  for (std::int64_t k = 0; k < columns; ++k) out[k * stride] = static_cast<double>(values[k]);
}

}  // namespace

void check_points(const kernel::Input& input, Metric metric) {
  const std::string name = std::string("input \"") + input.name() + "\"";
  if (metric == Metric::kHaversine) input.require_dtype({GM_FLOAT64, GM_FLOAT32});
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
      dimension_(dimension_of(input, metric)),
      data_(static_cast<const std::byte*>(input.data())),
      element_bytes_(kernel::dtype_bytes(input.dtype())),
      read_(kernel::dispatch(input.dtype(), []<class T>(T) { return &read_row<T>; })) {}

void Embedding::write(std::int64_t row, double* out, std::int64_t stride) const {
  const std::byte* const point = data_ + row * columns_ * element_bytes_;
  if (metric_ == Metric::kEuclidean) return read_(point, columns_, out, stride);
  double place[2];
  read_(point, 2, place, 1);
  constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;
  const double latitude = place[0] * kRadiansPerDegree;
  const double longitude = place[1] * kRadiansPerDegree;
  const double half_parallel = 0.5 * std::cos(latitude);
  out[0] = half_parallel * std::cos(longitude);
  out[stride] = half_parallel * std::sin(longitude);
  out[2 * stride] = 0.5 * std::sin(latitude);
}

}  // namespace gristmill::kernels
