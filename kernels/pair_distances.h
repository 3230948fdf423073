#pragma once

#include <cstdint>
#include <vector>

#include <gristmill/kernel.hpp>

#include "kernels/all_pairs.h"
#include "kernels/pairwise.h"

namespace gristmill::kernels {

// The input that points are measured to: "targets", or "points" if it is not given. Errors: Invalid
// if metric and inputs do not fit together.
kernel::Input checked_targets(const kernel::Request& request);

// The distances of the pairs of a tile, block by block.
// Memory: 8 * dimension bytes for each point.
class PairDistances {
 public:
  // Errors: as checked_targets.
  explicit PairDistances(const kernel::Request& request);

  // From points [begin, begin + kLanes), or as many as there are, to targets [target_begin,
  // target_end): the distance of point begin + l to target_begin + t is distances[t * kLanes + l].
  // The same bits whichever of two points is the target. NaN where a coordinate is.
  void measure(std::int64_t begin, std::int64_t target_begin, std::int64_t target_end,
               double* distances) const;

 private:
  Metric metric_;
  const Pairwise* pairwise_;
  std::int64_t dimension_;
  std::int64_t points_;
  std::vector<double> coordinates_;         // of points
  std::vector<double> target_coordinates_;  // empty: the points are the targets
};

}  // namespace gristmill::kernels
