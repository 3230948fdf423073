#pragma once

#include <cstddef>
#include <cstdint>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// The mean radius of the Earth (IUGG), for great-circle distances.
inline constexpr double kEarthRadiusKm = 6371.0088;

enum class Metric { kHaversine, kEuclidean };

// Checks, without a look at the data, that rows of the input can be points. Errors: Invalid if it
// has no columns or, for haversine, not two of float32 or float64. Requires: what kPairInputs says.
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
  Metric metric_;
  std::int64_t rows_;
  std::int64_t columns_;
  std::int64_t dimension_;
  const std::byte* data_;
  std::int64_t element_bytes_;
  // Writes element k of a row of the input's dtype to out[k * stride].
  void (*read_)(const void* row, std::int64_t columns, double* out, std::int64_t stride);
};

}  // namespace gristmill::kernels
