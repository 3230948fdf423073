// Distances of groups of points to tiles of targets: the inner loops of the pairwise kernels, one
// copy per instruction set. Plain types only, because pairwise_loops.h includes it.
//
// Distances are found by way of the sum of squared differences of coordinates. Euclidean: the
// points' own coordinates. Haversine: unit vectors of half length, whose squared distance is
// h = sin^2(angle / 2), and distances are asin(sqrt(h)), half the angle.
#pragma once

#include <stdint.h>

namespace gristmill::kernels {

// Points side by side, so that the loop over them is the one that becomes vector instructions. All
// lanes go through the same operations in the same order, whatever the others hold: this is why
// results do not depend on chunks.
inline constexpr int kLanes = 16;

// Targets [begin, end). Coordinate k of target j is coordinates[j * dimension + k].
struct Tile {
  const double* coordinates;
  int64_t dimension;
  int64_t begin;
  int64_t end;
};

// Coordinate k of lane l is coordinates[k * kLanes + l]. Lanes from points on hold any numbers, and
// half of the work is saved where half of them or less are points.
struct Group {
  const double* coordinates;
  int points;
  // Per lane the target that is the point itself and left out, or -1. All others than -1 lie in
  // [self_begin, self_end).
  int64_t self[kLanes];
  int64_t self_begin;
  int64_t self_end;
};

struct alignas(64) MeanLanes {
  double sum[kLanes];
  double largest_squared[kLanes];
};

struct alignas(64) NearestLanes {
  double squared[kLanes];
  int64_t index[kLanes];
};

// The loops for one instruction set. Each extends lanes, which the caller has filled for no
// targets, by the targets of a tile.
struct Pairwise {
  // As in -march=, or "baseline".
  const char* instruction_set;

  void (*mean_haversine)(const Tile&, const Group&, MeanLanes&);
  void (*mean_euclidean)(const Tile&, const Group&, MeanLanes&);
  // largest_squared alone, of any metric.
  void (*largest)(const Tile&, const Group&, MeanLanes&);
  // The smallest squared distance and its target, the lowest among equals.
  void (*nearest)(const Tile&, const Group&, NearestLanes&);

  // Turns squared distances into distances, in place, by the same operations as the mean.
  void (*haversine)(double (&lanes)[kLanes]);
  void (*euclidean)(double (&lanes)[kLanes]);

  // The distances of all lanes to each target of the tile, times unit, one target after the other.
  void (*distances_haversine)(const Tile&, const Group&, double unit, double* distances);
  void (*distances_euclidean)(const Tile&, const Group&, double unit, double* distances);
};

extern const Pairwise kPairwiseBaseline;
#ifdef __x86_64__
extern const Pairwise kPairwiseV3;
extern const Pairwise kPairwiseV4;
#endif

}  // namespace gristmill::kernels
