// Which centroid points are nearest to, and sums of points by it: the inner loops of kmeans_step,
// one copy per instruction set. Plain types only, because clustering_loops.h includes it.
#pragma once

#include <stdint.h>

#include <gristmill/kernel.h>

namespace gristmill::kernels {

// Points at a time.
inline constexpr int kClusteredPoints = 16;
// Coordinates that are summed side by side.
inline constexpr int64_t kCoordinateLanes = 8;
// Up to this dimension points lie side by side instead.
inline constexpr int64_t kSmallDimension = 32;
// Beyond it so many points share what is loaded of a centroid.
inline constexpr int kTilePoints = 4;

constexpr int64_t padded_dimension(int64_t dimension) {
  return dimension <= kSmallDimension
             ? dimension
             : (dimension + kCoordinateLanes - 1) / kCoordinateLanes * kCoordinateLanes;
}

// Coordinate k of centroid c is coordinates[c * padded_dimension(dimension) + k]; those behind the
// dimension are 0. Aligned to 64 bytes.
struct Centroids {
  const double* coordinates;
  int64_t count;
  int64_t dimension;
};

// Doubles that find wants to work with, aligned to 64 bytes.
constexpr int64_t clustering_scratch(int64_t dimension) {
  return dimension <= kSmallDimension ? kClusteredPoints * dimension
                                      : kTilePoints * padded_dimension(dimension);
}

// Of a point: its centroid, the lowest among equally near ones, and the squared distance to it. -1
// and infinity if none is at a finite distance.
struct Nearest16 {
  int64_t index[kClusteredPoints];
  double squared[kClusteredPoints];
};

// The loops for one instruction set. All give the same bits.
struct ClusteringLoops {
  // As in -march=, or "baseline".
  const char* instruction_set;
  // By dtype, null for those without. points: rows of `dimension` elements, count of them, 1 to
  // kClusteredPoints.
  void (*find[GM_COMPLEX128 + 1])(const void* points, int count, const Centroids& centroids,
                                  double* scratch, Nearest16& nearest);
  // Adds each point that has a centroid to its sums, of as many elements: float64, or without
  // rounding int64; of 64-bit integers first the sums of their lower 32 bits, and behind those of
  // all centroids the sums of their upper ones.
  void (*add[GM_COMPLEX128 + 1])(const void* points, int count, int64_t dimension,
                                 int64_t centroids, const int64_t* index, void* sums);
};

extern const ClusteringLoops kClusteringBaseline;
#ifdef __x86_64__
extern const ClusteringLoops kClusteringV3;
extern const ClusteringLoops kClusteringV4;
#endif

}  // namespace gristmill::kernels
