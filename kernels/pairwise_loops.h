// The body of pairwise_*.cc, compiled once per instruction set. All of it is in an unnamed
// namespace, and it includes nothing that would leave inline functions behind: of those the linker
// keeps one for the whole program, perhaps one that this CPU cannot run.
#pragma once

#include "kernels/pairwise.h"

namespace gristmill::kernels {
namespace {

#define GRISTMILL_INLINE inline __attribute__((always_inline))

// The compiler fuses nothing on its own (-ffp-contract=off): paths with FMA give the same bits, the
// baseline may differ from them in the last one.
GRISTMILL_INLINE double multiply_add(double a, double b, double c) {
#ifdef __FMA__
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

struct Euclidean {
  static GRISTMILL_INLINE double distance(double squared) { return __builtin_sqrt(squared); }
};

struct Haversine {
  // asin(sqrt(b)) = sqrt(b) * (1 + b * p(b)) for b <= 1/2. p is the minimax polynomial of relative
  // error 6.4e-16 (Remez in 60 digits), as an even and an odd half for two shorter chains.
  static GRISTMILL_INLINE double distance(double h) {
    // h can be a rounding beyond 1.
    const double rest = __builtin_fabs(1.0 - h);
    const double b = h < rest ? h : rest;
    const double bb = b * b;
    double even = -1.8586384803904827;
    double odd = 0.580365067699617;
    even = multiply_add(even, bb, -2.6427605486298256);
    odd = multiply_add(odd, bb, 2.844653845527768);
    even = multiply_add(even, bb, -0.7442650078907647);
    odd = multiply_add(odd, bb, 1.6792122580101718);
    even = multiply_add(even, bb, -0.04970241058205758);
    odd = multiply_add(odd, bb, 0.2546737653577428);
    even = multiply_add(even, bb, 0.012595396613420759);
    odd = multiply_add(odd, bb, 0.022123435694648367);
    even = multiply_add(even, bb, 0.022364101801925794);
    odd = multiply_add(odd, bb, 0.017479317267208347);
    even = multiply_add(even, bb, 0.04464284886683496);
    odd = multiply_add(odd, bb, 0.03038227892324921);
    even = multiply_add(even, bb, 0.16666666666620925);
    odd = multiply_add(odd, bb, 0.07500000010385939);
    const double arc = multiply_add(multiply_add(odd, b, even), b, 1.0) * __builtin_sqrt(b);
    return h > 0.5 ? 1.5707963267948966 - arc : arc;
  }
};

struct Unsummed {};

// kDimension 0: any. kWidth: so many lanes, the others are left as they are.
template <int kDimension, int kWidth>
GRISTMILL_INLINE void squared_distances(const Tile& tile, const Group& group, int64_t target,
                                        double (&squared)[kLanes]) {
  const int64_t dimension = kDimension == 0 ? tile.dimension : kDimension;
  const double* to = tile.coordinates + target * dimension;
  // Without this GCC leaves the loop over lanes as it is.
  if (dimension < 1) __builtin_unreachable();
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) {
    double sum = 0.0;
    for (int64_t k = 0; k < dimension; ++k) {
      const double difference = group.coordinates[k * kLanes + lane] - to[k];
      sum = multiply_add(difference, difference, sum);
    }
    squared[lane] = sum;
  }
}

template <class Metric, int kDimension>
struct MeanOf {
  using Lanes = MeanLanes;

  template <int kWidth, bool kMasked>
  static void extend(const Tile& tile, const Group& group, int64_t begin, int64_t end,
                     MeanLanes& lanes) {
    MeanLanes local = lanes;
    for (int64_t target = begin; target < end; ++target) {
      alignas(64) double squared[kLanes];
      squared_distances<kDimension, kWidth>(tile, group, target, squared);
#pragma omp simd
      for (int lane = 0; lane < kWidth; ++lane) {
        const bool counts = !kMasked || group.self[lane] != target;
        const double largest = local.largest_squared[lane];
        local.largest_squared[lane] = counts && squared[lane] > largest ? squared[lane] : largest;
        if constexpr (!__is_same(Metric, Unsummed)) {
          local.sum[lane] += counts ? Metric::distance(squared[lane]) : 0.0;
        }
      }
    }
    lanes = local;
  }
};

template <int kDimension>
struct NearestOf {
  using Lanes = NearestLanes;

  template <int kWidth, bool kMasked>
  static void extend(const Tile& tile, const Group& group, int64_t begin, int64_t end,
                     NearestLanes& lanes) {
    NearestLanes local = lanes;
    for (int64_t target = begin; target < end; ++target) {
      alignas(64) double squared[kLanes];
      squared_distances<kDimension, kWidth>(tile, group, target, squared);
#pragma omp simd
      for (int lane = 0; lane < kWidth; ++lane) {
        const bool counts = !kMasked || group.self[lane] != target;
        const bool nearer = counts && squared[lane] < local.squared[lane];
        local.squared[lane] = nearer ? squared[lane] : local.squared[lane];
        local.index[lane] = nearer ? target : local.index[lane];
      }
    }
    lanes = local;
  }
};

// The points themselves are looked for only among the targets where they can be.
template <class Loop, int kWidth>
GRISTMILL_INLINE void extend_width(const Tile& tile, const Group& group,
                                   typename Loop::Lanes& lanes) {
  const auto within = [&tile](int64_t target) {
    return target < tile.begin ? tile.begin : target > tile.end ? tile.end : target;
  };
  const int64_t self_begin = within(group.self_begin);
  const int64_t self_end = within(group.self_end);
  Loop::template extend<kWidth, false>(tile, group, tile.begin, self_begin, lanes);
  Loop::template extend<kWidth, true>(tile, group, self_begin, self_end, lanes);
  Loop::template extend<kWidth, false>(tile, group, self_end, tile.end, lanes);
}

template <class Loop>
void extend_by_tile(const Tile& tile, const Group& group, typename Loop::Lanes& lanes) {
  if (group.points <= kLanes / 2) {
    extend_width<Loop, kLanes / 2>(tile, group, lanes);
  } else {
    extend_width<Loop, kLanes>(tile, group, lanes);
  }
}

// A tile is summed on its own first: fewer roundings than one long sum.
template <class Metric, int kDimension>
void mean(const Tile& tile, const Group& group, MeanLanes& lanes) {
  MeanLanes of_tile = lanes;
  for (double& sum : of_tile.sum) sum = 0.0;
  extend_by_tile<MeanOf<Metric, kDimension>>(tile, group, of_tile);
  for (int lane = 0; lane < kLanes; ++lane) of_tile.sum[lane] += lanes.sum[lane];
  lanes = of_tile;
}

template <class Metric>
void mean_of_any_dimension(const Tile& tile, const Group& group, MeanLanes& lanes) {
  switch (tile.dimension) {
    case 2:
      return mean<Metric, 2>(tile, group, lanes);
    case 3:
      return mean<Metric, 3>(tile, group, lanes);
    default:
      return mean<Metric, 0>(tile, group, lanes);
  }
}

void nearest(const Tile& tile, const Group& group, NearestLanes& lanes) {
  switch (tile.dimension) {
    case 2:
      return extend_by_tile<NearestOf<2>>(tile, group, lanes);
    case 3:
      return extend_by_tile<NearestOf<3>>(tile, group, lanes);
    default:
      return extend_by_tile<NearestOf<0>>(tile, group, lanes);
  }
}

template <class Metric, int kDimension>
void distances(const Tile& tile, const Group& group, double unit, double* distances) {
  for (int64_t target = tile.begin; target < tile.end; ++target) {
    alignas(64) double squared[kLanes];
    squared_distances<kDimension, kLanes>(tile, group, target, squared);
    double* to = distances + (target - tile.begin) * kLanes;
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane) to[lane] = unit * Metric::distance(squared[lane]);
  }
}

template <class Metric>
void distances_of_any_dimension(const Tile& tile, const Group& group, double unit, double* to) {
  switch (tile.dimension) {
    case 2:
      return distances<Metric, 2>(tile, group, unit, to);
    case 3:
      return distances<Metric, 3>(tile, group, unit, to);
    default:
      return distances<Metric, 0>(tile, group, unit, to);
  }
}

template <class Metric>
void to_distances(double (&lanes)[kLanes]) {
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = Metric::distance(lanes[lane]);
}

constexpr Pairwise pairwise(const char* instruction_set) {
  return {instruction_set,
          mean<Haversine, 3>,
          mean_of_any_dimension<Euclidean>,
          mean_of_any_dimension<Unsummed>,
          nearest,
          to_distances<Haversine>,
          to_distances<Euclidean>,
          distances<Haversine, 3>,
          distances_of_any_dimension<Euclidean>};
}

#undef GRISTMILL_INLINE

}  // namespace
}  // namespace gristmill::kernels
