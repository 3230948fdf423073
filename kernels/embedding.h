#pragma once

#include <cstdint>
#include <span>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// The mean radius of the Earth (IUGG), for great-circle distances.
inline constexpr double kEarthRadiusKm = 6371.0088;

enum class Metric { kHaversine, kEuclidean };

// Checks, without a look at the data, that rows of the input can be points. Errors: Invalid if it
// is not float32 or float64, has not two axes or, for haversine, not two columns.
void check_points(const kernel::Input& input, Metric metric);

// Coordinates per point: see pairwise.h. Requires: check_points.
std::int64_t dimension_of(const kernel::Input& input, Metric metric);

// Rows of an input as the coordinates that the pairwise loops want. A view of the input.
class Embedding {
 public:
  // Requires: check_points.
  Embedding(const kernel::Input& input, Metric metric);

  std::int64_t rows() const { return rows_; }
  std::int64_t dimension() const { return dimension_; }

  // Writes coordinate k of a row to out[k * stride].
  void write(std::int64_t row, double* out, std::int64_t stride) const;

 private:
  double value(std::int64_t row, std::int64_t column) const;

  Metric metric_;
  std::int64_t rows_;
  std::int64_t columns_;
  std::int64_t dimension_;
  // One of them holds the data.
  std::span<const double> wide_;
  std::span<const float> narrow_;
};

}  // namespace gristmill::kernels
