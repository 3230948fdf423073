#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <gristmill/kernel.hpp>

#include "kernels/clustering.h"

namespace gristmill::kernels {

// Points summed by the centroid that they are nearest to, in an accumulator of 8-byte words which
// are zeros at first and no concern of the caller. Threads: one at a time, because of the scratch.
class ClusterSums {
 public:
  // Words of an accumulator.
  static std::int64_t words(gm_dtype points, std::int64_t centroids, std::int64_t dimension);

  // Copies the centroids, rows of `dimension` coordinates. Requires: loops.find[points] is there,
  // dimension > 0.
  ClusterSums(const ClusteringLoops& loops, gm_dtype points, std::span<const double> centroids,
              std::int64_t dimension);

  // Points as rows of elements of that dtype. accumulator: aligned to 8 bytes.
  void add(const void* points, std::int64_t count, void* accumulator);
  void merge(void* into, const void* from) const;

  std::int64_t count(const void* accumulator, std::int64_t centroid) const;
  // Sum of the squared distances, rounded once.
  double inertia(const void* accumulator) const;
  // Writes the mean of its points, or, if there are none, the centroid as it was.
  void write_mean(const void* accumulator, std::int64_t centroid, std::span<double> out) const;

 private:
  struct alignas(64) CacheLine {
    double lanes[8];
  };

  const ClusteringLoops* loops_;
  gm_dtype dtype_;
  std::int64_t element_bytes_;
  std::vector<CacheLine> padded_;
  std::vector<CacheLine> scratch_;
  Centroids centroids_;
};

}  // namespace gristmill::kernels
