#pragma once

#include <gristmill/kernel.hpp>

#include "kernels/binning.h"
#include "kernels/pair_distances.h"

namespace gristmill::kernels {

// How many pairs of points are how far from each other.
class PairHistogram {
 public:
  static constexpr const char* kName = "pair_histogram";
  static constexpr const char* kSummary = "counts of the distances of all pairs in equal bins";
  static constexpr const char* kDescription =
      "Measures each pair of two different points once, and counts the distances in bins of equal "
      "width, as the kernel histogram does: bin i holds edge(i) <= distance < edge(i + 1), the "
      "last "
      "one also its upper edge.\n"
      "haversine: great-circle distance in km on a sphere of radius 6371.0088 km, "
      "2 R asin(sqrt(h)) with h by the chord; euclidean: in the units of the points. Pairs with a "
      "NaN are counted in outside.\n"
      "The items are tiles of 256 x 256 pairs on and above the diagonal. Counts are exact: one set "
      "of bins per worker.\n"
      "Cost: N (N - 1) / 2 pairs of about a nanosecond.";
  static constexpr gm_input_decl kInputs[] = {kPairInputs[0]};
  static constexpr gm_param_decl kParams[] = {
      kPairParams[0], kernel::param<std::int64_t>("bins", "how many", "100"),
      kernel::param<double>("low", "lower edge of the first bin", "0"),
      kernel::required_param<double>("high", "upper edge of the last bin")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("count", "int64 per bin: pairs"),
      kernel::output("edges", "float64, bins + 1: of the bins, ascending"),
      kernel::output("outside", "int64: pairs in no bin")};
  static constexpr std::uint32_t kFlags =
      GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT | GM_EXACT_MERGE;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit PairHistogram(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;
  void merge(const kernel::Merge& merge) const;
  void finish(const kernel::Finish& finish) const;

 private:
  Bins bins_;
  PairDistances distances_;
  void (*add_)(const Bins& bins, const BinnedValues& values, const BinWeights& weights,
               void* tally);
};

}  // namespace gristmill::kernels
