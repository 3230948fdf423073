#pragma once

#include <cstdint>
#include <vector>

#include <gristmill/kernel.hpp>

#include "kernels/embedding.h"

namespace gristmill::kernels {

// The points to measure to, made ready for the pairwise loops, without those that have a NaN.
// Cost: one pass over the input. No copy of euclidean float64 without a NaN; else 8 * dimension
// bytes per target.
class Targets {
 public:
  // Requires: check_points; the input outlives the Targets.
  Targets(const kernel::Input& input, Metric metric);
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;

  std::int64_t count() const { return count_; }
  // Coordinate k of a target is coordinates()[target * dimension + k].
  const double* coordinates() const { return coordinates_; }

  // The row of a target in the input. Ascending.
  std::int64_t row_of(std::int64_t target) const {
    return rows_.empty() ? target : rows_[static_cast<std::size_t>(target)];
  }
  // The first target of that row or a later one; count() if there is none.
  std::int64_t first_from(std::int64_t row) const;

 private:
  void embed(const Embedding& points);

  std::int64_t count_ = 0;
  const double* coordinates_ = nullptr;
  std::vector<double> own_coordinates_;
  std::vector<std::int64_t> rows_;  // empty if none was left out
};

}  // namespace gristmill::kernels
