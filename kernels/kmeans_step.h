#pragma once

#include <cstddef>
#include <cstdint>

#include <gristmill/kernel.hpp>

#include "kernels/cluster_sums.h"

namespace gristmill::kernels {

// One step of k-means: the means of the points that are nearest to each centroid.
class KMeansStep {
 public:
  static constexpr const char* kName = "kmeans_step";
  static constexpr const char* kSummary = "one step of k-means: means of the points by centroid";
  static constexpr const char* kDescription =
      "Each point belongs to the centroid at the least Euclidean distance, of equally near ones to "
      "the first. Gives the mean of the points of each, which are the centroids of the next step: "
      "Lloyd, \"Least squares quantization in PCM\", IEEE Transactions on Information Theory 28, "
      "1982. The steps converge to a minimum of the inertia, which need not be the least there is. "
      "Which centroid a point belongs to says the kernel nearest with metric euclidean and the "
      "centroids as targets.\n"
      "A centroid without points stays where it is. A point with a NaN, or whose squared distances "
      "are beyond float64, belongs to none.\n"
      "Squared distances are summed from coordinates' differences in float64. Whole numbers are "
      "summed without rounding, and so is the inertia: memory for one set of sums per worker. "
      "float32 and float64 are summed in a fixed order: one set per chunk.\n"
      "Cost: per point, centroid and coordinate 0.05 nanoseconds with AVX-512, 0.08 with AVX2.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("points", "N x d, whole numbers, float32 or float64: a point per row",
                    kernel::kNumbers, kernel::rank(2)),
      kernel::input<double>("centroids", "k x d float64: a centroid per row", kernel::rank(2))};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("centroids", "k x d float64: means of the points of each centroid"),
      kernel::output("count", "k int64: points of each centroid"),
      kernel::output("inertia",
                     "float64: sum of the squared distances to the centroids that were given")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit KMeansStep(const kernel::Request& request);
  void run(const kernel::Chunk& chunk);
  void merge(const kernel::Merge& merge) const;
  void finish(const kernel::Finish& finish) const;

 private:
  const std::byte* points_;
  std::int64_t point_bytes_;
  std::int64_t centroids_;
  std::int64_t dimension_;
  ClusterSums sums_;
};

}  // namespace gristmill::kernels
