#include "kernels/cluster_sums.h"

#include <algorithm>
#include <cstddef>

#include "kernels/exact_mean.h"
#include "kernels/long_accumulator.h"

namespace gristmill::kernels {
namespace {

// An accumulator is the inertia, the counts, and the sums.
constexpr std::int64_t kInertiaWords = sizeof(LongAccumulator) / sizeof(std::int64_t);
// So many squared distances are added to the inertia at a time.
constexpr std::int64_t kPointsAtOnce = 16 * kClusteredPoints;

bool is_float(gm_dtype dtype) { return dtype == GM_FLOAT32 || dtype == GM_FLOAT64; }

// See ClusteringLoops::add.
std::int64_t words_per_sum(gm_dtype dtype) {
  return dtype == GM_INT64 || dtype == GM_UINT64 ? 2 : 1;
}

// Elements of an accumulator from that word on.
template <class T>
T* elements(void* accumulator, std::int64_t word) {
  return static_cast<T*>(accumulator) + word;
}
template <class T>
const T* elements(const void* accumulator, std::int64_t word) {
  return static_cast<const T*>(accumulator) + word;
}

LongAccumulator& inertia_of(void* accumulator) {
  return *static_cast<LongAccumulator*>(accumulator);
}
const LongAccumulator& inertia_of(const void* accumulator) {
  return *static_cast<const LongAccumulator*>(accumulator);
}

template <class T>
void add_elements(void* into, const void* from, std::int64_t begin, std::int64_t end) {
  T* const to = elements<T>(into, 0);
  const T* const added = elements<T>(from, 0);
  for (std::int64_t i = begin; i < end; ++i) to[i] += added[i];
}

}  // namespace

std::int64_t ClusterSums::words(gm_dtype points, std::int64_t centroids, std::int64_t dimension) {
  return kInertiaWords + centroids + centroids * dimension * words_per_sum(points);
}

ClusterSums::ClusterSums(const ClusteringLoops& loops, gm_dtype points,
                         std::span<const double> centroids, std::int64_t dimension)
    : loops_(&loops), dtype_(points), element_bytes_(kernel::dtype_bytes(points)) {
  const auto lines = [](std::int64_t doubles) { return static_cast<std::size_t>(doubles / 8 + 1); };
  const std::int64_t padded = padded_dimension(dimension);
  const std::int64_t count = static_cast<std::int64_t>(centroids.size()) / dimension;
  padded_.resize(lines(count * padded));
  scratch_.resize(lines(clustering_scratch(dimension)));
  for (std::int64_t c = 0; c < count; ++c) {
    std::copy_n(centroids.data() + c * dimension, dimension, padded_[0].lanes + c * padded);
  }
  centroids_ = {padded_[0].lanes, count, dimension};
}

void ClusterSums::add(const void* points, std::int64_t count, void* accumulator) {
  const std::int64_t dimension = centroids_.dimension;
  const auto* point = static_cast<const std::byte*>(points);
  auto* const counts = elements<std::int64_t>(accumulator, kInertiaWords);
  void* const sums = counts + centroids_.count;
  while (count > 0) {
    double squared[kPointsAtOnce];
    std::size_t found = 0;
    for (std::int64_t block = 0; block < kPointsAtOnce && count > 0; block += kClusteredPoints) {
      const int size = static_cast<int>(std::min<std::int64_t>(count, kClusteredPoints));
      Nearest16 nearest;
      loops_->find[dtype_](point, size, centroids_, scratch_[0].lanes, nearest);
      loops_->add[dtype_](point, size, dimension, centroids_.count, nearest.index, sums);
      for (int i = 0; i < size; ++i) {
        if (nearest.index[i] < 0) continue;
        ++counts[nearest.index[i]];
        squared[found++] = nearest.squared[i];
      }
      point += size * dimension * element_bytes_;
      count -= size;
    }
    inertia_of(accumulator).add({squared, found});
  }
}

void ClusterSums::merge(void* into, const void* from) const {
  inertia_of(into).add(inertia_of(from));
  const std::int64_t first_sum = kInertiaWords + centroids_.count;
  const std::int64_t end = words(dtype_, centroids_.count, centroids_.dimension);
  add_elements<std::int64_t>(into, from, kInertiaWords, first_sum);
  is_float(dtype_) ? add_elements<double>(into, from, first_sum, end)
                   : add_elements<std::int64_t>(into, from, first_sum, end);
}

std::int64_t ClusterSums::count(const void* accumulator, std::int64_t centroid) const {
  return elements<std::int64_t>(accumulator, kInertiaWords)[centroid];
}

double ClusterSums::inertia(const void* accumulator) const {
  return inertia_of(accumulator).value();
}

void ClusterSums::write_mean(const void* accumulator, std::int64_t centroid,
                             std::span<double> out) const {
  const std::int64_t points = count(accumulator, centroid);
  const std::int64_t dimension = centroids_.dimension;
  if (points == 0) {
    std::copy_n(centroids_.coordinates + centroid * padded_dimension(dimension), dimension,
                out.begin());
    return;
  }
  const std::int64_t first = kInertiaWords + centroids_.count + centroid * dimension;
  for (std::int64_t k = 0; k < dimension; ++k) {
    double& mean = out[static_cast<std::size_t>(k)];
    if (is_float(dtype_)) {
      mean = elements<double>(accumulator, first)[k] / static_cast<double>(points);
      continue;
    }
    const auto* const sums = elements<std::int64_t>(accumulator, first);
    SignedWide sum = sums[k];
    if (words_per_sum(dtype_) == 2) {
      sum += SignedWide{sums[k + centroids_.count * dimension]} * (std::int64_t{1} << 32);
    }
    mean = exact_mean(sum, points);
  }
}

}  // namespace gristmill::kernels
