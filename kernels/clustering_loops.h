// The body of clustering_*.cc, compiled once per instruction set; see pairwise_loops.h for why it
// is all in an unnamed namespace and includes next to nothing.
#pragma once

#include "kernels/clustering.h"

namespace gristmill::kernels {
namespace {

#define GRISTMILL_INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
typedef double Vector __attribute__((vector_size(kVectorBytes)));
constexpr int kVectorLanes = kVectorBytes / 8;
constexpr int kVectors = static_cast<int>(kCoordinateLanes) / kVectorLanes;
constexpr int kPointVectors = kClusteredPoints / kVectorLanes;

// In this order on all instruction sets.
GRISTMILL_INLINE double sum_of(const Vector (&lanes)[kVectors]) {
  double lane[kCoordinateLanes];
  __builtin_memcpy(lane, lanes, sizeof lane);
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

// Squared distances of kTilePoints points to one centroid. Never fused: see multiply_add.
GRISTMILL_INLINE void squared_distances(const double* points, const double* centroid,
                                        int64_t dimension, double (&squared)[kTilePoints]) {
  Vector sums[kTilePoints][kVectors] = {};
  for (int64_t k = 0; k < dimension; k += kCoordinateLanes) {
    for (int v = 0; v < kVectors; ++v) {
      Vector to;
      __builtin_memcpy(&to, centroid + k + v * kVectorLanes, sizeof to);
      for (int point = 0; point < kTilePoints; ++point) {
        Vector from;
        __builtin_memcpy(&from, points + point * dimension + k + v * kVectorLanes, sizeof from);
        const Vector difference = from - to;
        sums[point][v] += difference * difference;
      }
    }
  }
  for (int point = 0; point < kTilePoints; ++point) squared[point] = sum_of(sums[point]);
}

// Points as rows of the padded dimension; a whole tile, with zeros where there are no points.
template <class T>
void widen_tile(const T* points, int count, int64_t dimension, int64_t padded, double* out) {
  if (padded == dimension) {
    for (int64_t i = 0; i < count * dimension; ++i) out[i] = static_cast<double>(points[i]);
  } else {
    for (int row = 0; row < count; ++row) {
      double* to = out + row * padded;
      for (int64_t k = 0; k < dimension; ++k) {
        to[k] = static_cast<double>(points[row * dimension + k]);
      }
      for (int64_t k = dimension; k < padded; ++k) to[k] = 0;
    }
  }
  for (int64_t i = count * padded; i < kTilePoints * padded; ++i) out[i] = 0;
}

GRISTMILL_INLINE void start(Nearest16& nearest) {
  for (int point = 0; point < kClusteredPoints; ++point) {
    nearest.index[point] = -1;
    nearest.squared[point] = __builtin_inf();
  }
}

template <class T>
void find_by_coordinates(const T* points, int count, const Centroids& centroids, double* rows,
                         Nearest16& nearest) {
  const int64_t dimension = centroids.dimension;
  const int64_t padded = padded_dimension(dimension);
  for (int first = 0; first < count; first += kTilePoints) {
    const int tile = count - first < kTilePoints ? count - first : kTilePoints;
    widen_tile(points + first * dimension, tile, dimension, padded, rows);
    for (int64_t c = 0; c < centroids.count; ++c) {
      double squared[kTilePoints];
      squared_distances(rows, centroids.coordinates + c * padded, padded, squared);
      for (int point = 0; point < kTilePoints; ++point) {
        const bool nearer = squared[point] < nearest.squared[first + point];
        nearest.index[first + point] = nearer ? c : nearest.index[first + point];
        nearest.squared[first + point] = nearer ? squared[point] : nearest.squared[first + point];
      }
    }
  }
}

template <int64_t kDimension, class T>
void find_by_points(const T* points, int count, const Centroids& centroids, double* columns,
                    Nearest16& nearest) {
  const int64_t dimension = kDimension == 0 ? centroids.dimension : kDimension;
  for (int point = 0; point < count; ++point) {
    for (int64_t k = 0; k < dimension; ++k) {
      columns[k * kClusteredPoints + point] = static_cast<double>(points[point * dimension + k]);
    }
  }
  Nearest16 found = nearest;
  for (int64_t c = 0; c < centroids.count; ++c) {
    const double* to = centroids.coordinates + c * dimension;
    Vector sums[kPointVectors] = {};
    for (int64_t k = 0; k < dimension; ++k) {
      for (int v = 0; v < kPointVectors; ++v) {
        Vector from;
        __builtin_memcpy(&from, columns + k * kClusteredPoints + v * kVectorLanes, sizeof from);
        const Vector difference = from - to[k];
        sums[v] += difference * difference;
      }
    }
    double squared[kClusteredPoints];
    __builtin_memcpy(squared, sums, sizeof squared);
#pragma omp simd
    for (int point = 0; point < kClusteredPoints; ++point) {
      const bool nearer = squared[point] < found.squared[point];
      found.index[point] = nearer ? c : found.index[point];
      found.squared[point] = nearer ? squared[point] : found.squared[point];
    }
  }
  nearest = found;
}

template <class T>
void find(const void* data, int count, const Centroids& centroids, double* scratch,
          Nearest16& nearest) {
  const T* points = static_cast<const T*>(data);
  start(nearest);
  switch (centroids.dimension) {
    case 2:
      return find_by_points<2>(points, count, centroids, scratch, nearest);
    case 3:
      return find_by_points<3>(points, count, centroids, scratch, nearest);
    default:
      return centroids.dimension <= kSmallDimension
                 ? find_by_points<0>(points, count, centroids, scratch, nearest)
                 : find_by_coordinates(points, count, centroids, scratch, nearest);
  }
}

template <class T, class Sum>
void add(const void* data, int count, int64_t dimension, int64_t centroids, const int64_t* index,
         void* sums) {
  for (int point = 0; point < count; ++point) {
    if (index[point] < 0) continue;
    const T* from = static_cast<const T*>(data) + point * dimension;
    Sum* to = static_cast<Sum*>(sums) + index[point] * dimension;
    if constexpr (sizeof(T) == 8 && !__is_same(T, double)) {
      Sum* upper = to + centroids * dimension;
      for (int64_t k = 0; k < dimension; ++k) to[k] += static_cast<Sum>(from[k] & 0xffffffff);
      for (int64_t k = 0; k < dimension; ++k) upper[k] += static_cast<Sum>(from[k] >> 32);
    } else {
      for (int64_t k = 0; k < dimension; ++k) to[k] += static_cast<Sum>(from[k]);
    }
  }
}

constexpr ClusteringLoops clustering(const char* instruction_set) {
  ClusteringLoops loops{};
  loops.instruction_set = instruction_set;
  loops.find[GM_INT8] = &find<int8_t>;
  loops.find[GM_INT16] = &find<int16_t>;
  loops.find[GM_INT32] = &find<int32_t>;
  loops.find[GM_INT64] = &find<int64_t>;
  loops.find[GM_UINT8] = &find<uint8_t>;
  loops.find[GM_UINT16] = &find<uint16_t>;
  loops.find[GM_UINT32] = &find<uint32_t>;
  loops.find[GM_UINT64] = &find<uint64_t>;
  loops.find[GM_FLOAT32] = &find<float>;
  loops.find[GM_FLOAT64] = &find<double>;
  loops.add[GM_INT8] = &add<int8_t, int64_t>;
  loops.add[GM_INT16] = &add<int16_t, int64_t>;
  loops.add[GM_INT32] = &add<int32_t, int64_t>;
  loops.add[GM_INT64] = &add<int64_t, int64_t>;
  loops.add[GM_UINT8] = &add<uint8_t, int64_t>;
  loops.add[GM_UINT16] = &add<uint16_t, int64_t>;
  loops.add[GM_UINT32] = &add<uint32_t, int64_t>;
  loops.add[GM_UINT64] = &add<uint64_t, int64_t>;
  loops.add[GM_FLOAT32] = &add<float, double>;
  loops.add[GM_FLOAT64] = &add<double, double>;
  return loops;
}

#undef GRISTMILL_INLINE

}  // namespace
}  // namespace gristmill::kernels
