#pragma once

#include <gristmill/kernel.hpp>

#include "kernels/pair_distances.h"

namespace gristmill::kernels {

// The distance of each point to each target.
class PairwiseDistances {
 public:
  static constexpr const char* kName = "pairwise";
  static constexpr const char* kSummary = "matrix of the distances of all pairs of points";
  static constexpr const char* kDescription =
      "Measures all pairs: N points against M targets, or against themselves. Then only the upper "
      "triangle is computed, and the matrix is symmetric to the last bit, with zeros on the "
      "diagonal.\n"
      "haversine: great-circle distance in km on a sphere of radius 6371.0088 km, "
      "2 R asin(sqrt(h)) with h by the chord; euclidean: in the units of the points. A NaN "
      "coordinate gives NaN.\n"
      "The items are tiles of 256 x 256 pairs.\n"
      "Cost: N x M pairs of about 0.4 nanoseconds, and writing 8 bytes for each.";
  static constexpr auto& kInputs = kPairInputs;
  static constexpr auto& kParams = kPairParams;
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("distance", "N x M float64: of point i to target j")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit PairwiseDistances(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;

 private:
  bool symmetric_;
  std::int64_t targets_;
  PairDistances distances_;
};

}  // namespace gristmill::kernels
