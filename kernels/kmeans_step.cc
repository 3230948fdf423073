#include "kernels/kmeans_step.h"

#include <algorithm>
#include <string>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerCoordinate = 0.07;

void check(const kernel::Input& points, const kernel::Input& centroids) {
  if (points.columns() == 0) throw kernel::Invalid("input \"points\" has no columns");
  if (centroids.rows() == 0) throw kernel::Invalid("input \"centroids\" has no rows");
  if (centroids.columns() == points.columns()) return;
  throw kernel::Invalid("input \"centroids\" has " + std::to_string(centroids.columns()) +
                        " columns, input \"points\" has " + std::to_string(points.columns()));
}

// So many points that asking whether the job was cancelled costs next to nothing.
std::int64_t points_at_once(std::int64_t coordinates_per_point) {
  constexpr std::int64_t kCoordinates = 65536;
  return std::max(kCoordinates / coordinates_per_point / kClusteredPoints, std::int64_t{1}) *
         kClusteredPoints;
}

}  // namespace

void KMeansStep::plan(const kernel::Request& request, kernel::Plan& plan) {
  const kernel::Input points = request.input("points");
  const kernel::Input centroids = request.input("centroids");
  check(points, centroids);
  const std::int64_t count = centroids.rows();
  const std::int64_t dimension = centroids.columns();
  plan.rows_of("points").instruction_set(chosen_clustering().instruction_set);
  plan.nanoseconds_per_item(kNanosecondsPerCoordinate * static_cast<double>(count) *
                            static_cast<double>(dimension));
  plan.accumulator<std::int64_t>(ClusterSums::words(points.dtype(), count, dimension));
  plan.exact_merge((kernel::kIntegers >> points.dtype() & 1) != 0);
  plan.output<double>("centroids", {count, dimension}).output<std::int64_t>("count", {count});
  plan.output<double>("inertia");
}

KMeansStep::KMeansStep(const kernel::Request& request)
    : points_(static_cast<const std::byte*>(request.input("points").data())),
      point_bytes_(request.input("points").columns() *
                   kernel::dtype_bytes(request.input("points").dtype())),
      centroids_(request.input("centroids").rows()),
      dimension_(request.input("centroids").columns()),
      sums_(chosen_clustering(), request.input("points").dtype(),
            request.input("centroids").as<double>(), dimension_) {}

void KMeansStep::run(const kernel::Chunk& chunk) {
  const std::int64_t at_once = points_at_once(centroids_ * dimension_);
  for (std::int64_t begin = chunk.begin(); begin < chunk.end() && !chunk.cancelled();
       begin += at_once) {
    sums_.add(points_ + begin * point_bytes_, std::min(at_once, chunk.end() - begin),
              chunk.accumulator<std::int64_t>().data());
  }
}

void KMeansStep::merge(const kernel::Merge& merge) const {
  sums_.merge(merge.into<std::int64_t>().data(), merge.from<std::int64_t>().data());
}

void KMeansStep::finish(const kernel::Finish& finish) const {
  const void* const accumulator = finish.accumulator<std::int64_t>().data();
  if (finish.wanted("centroids")) {
    const auto means = finish.output<double>("centroids");
    const auto row = static_cast<std::size_t>(dimension_);
    for (std::int64_t c = 0; c < centroids_; ++c) {
      sums_.write_mean(accumulator, c, means.subspan(static_cast<std::size_t>(c) * row, row));
    }
  }
  if (finish.wanted("count")) {
    const auto counts = finish.output<std::int64_t>("count");
    for (std::int64_t c = 0; c < centroids_; ++c) {
      counts[static_cast<std::size_t>(c)] = sums_.count(accumulator, c);
    }
  }
  if (finish.wanted("inertia")) {
    finish.output<double>("inertia")[0] = sums_.inertia(accumulator);
  }
}

}  // namespace gristmill::kernels
