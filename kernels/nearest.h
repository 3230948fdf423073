#pragma once

#include <gristmill/kernel.hpp>

#include "kernels/all_pairs.h"

namespace gristmill::kernels {

// The nearest target of each point, and how far it is.
class Nearest {
 public:
  static constexpr const char* kName = "nearest";
  static constexpr const char* kSummary = "nearest other point of each point, and its distance";
  static constexpr const char* kDescription =
      "Measures all pairs: N points against M targets, or against the N - 1 other points. A point "
      "itself is left out by its position, so a duplicate is nearest, with distance 0. Of equally "
      "near targets the one of the lowest index is taken.\n"
      "haversine: great-circle distance in km on a sphere of radius 6371.0088 km, "
      "2 R asin(sqrt(h)) with h by the chord; euclidean: in the units of the points.\n"
      "A point with a NaN gives -1 and NaN, a target with one is skipped; so does a point without "
      "a "
      "target at a finite distance.\n"
      "Cost: N x M pairs of about 0.15 nanoseconds with AVX-512, 0.25 with AVX2. A k-d tree is "
      "faster for this question alone.";
  static constexpr auto& kInputs = kPairInputs;
  static constexpr auto& kParams = kPairParams;
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("index", "int64 per point: row of the nearest target, or -1"),
      kernel::output("distance", "float64 per point: distance to it, or NaN")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Nearest(const kernel::Request& request) : pairs_(request) {}
  void run(const kernel::Chunk& chunk) const;

 private:
  AllPairs pairs_;
};

}  // namespace gristmill::kernels
