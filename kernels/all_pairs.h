#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gristmill/kernel.hpp>

#include "kernels/embedding.h"
#include "kernels/pairwise.h"
#include "kernels/targets.h"

namespace gristmill::kernels {

// What the pairwise kernels declare in common.
inline constexpr gm_input_decl kPairInputs[] = {
    kernel::input("points",
                  "N x d, float32 or float64; euclidean also whole numbers: a point per row",
                  kernel::kNumbers, kernel::rank(2)),
    kernel::optional_input("targets", "the same, M x d; default: points, each without itself",
                           kernel::kNumbers, kernel::rank(2))};
inline constexpr gm_param_decl kPairParams[] = {kernel::param<std::string_view>(
    "metric", "\"haversine\" (latitude and longitude in degrees, to km) or \"euclidean\" (any d)",
    "haversine")};

// Points against targets, or against each other without themselves: what the pairwise kernels
// share. What is found for a point is the same bits in any chunk. Memory: see Targets.
class AllPairs {
 public:
  // Answers all but the outputs. Errors: Invalid if the inputs or the metric do not fit.
  static void plan(const kernel::Request& request, kernel::Plan& plan, double nanoseconds_per_pair);

  // Errors: as plan.
  explicit AllPairs(const kernel::Request& request);

  // For each group of points in the chunk: extends start by all targets, then calls store(place of
  // its first point in the chunk, Group, Lanes&). Stops without it when the job was cancelled.
  template <class Lanes, class Store>
  void run(const kernel::Chunk& chunk, const Lanes& start,
           void (*extend)(const Tile&, const Group&, Lanes&), const Store& store) const;

  Metric metric() const { return metric_; }
  const Pairwise& pairwise() const { return *pairwise_; }
  // Turns squared distances into kilometres, or the units of the points.
  void to_distances(double (&lanes)[kLanes]) const;
  // What a summed distance is multiplied with to get there.
  double unit() const { return metric_ == Metric::kHaversine ? 2.0 * kEarthRadiusKm : 1.0; }

  const Targets& targets() const { return targets_; }

 private:
  struct Block {
    std::vector<double> coordinates;
    std::vector<Group> groups;
  };

  Block load(std::int64_t begin, std::int64_t end) const;
  void find_selves(std::int64_t begin, Group& group) const;
  Tile tile_at(std::int64_t begin) const;

  // So many points that a tile is worth the way to the first-level cache.
  static constexpr std::int64_t kBlockPoints = 16 * kLanes;

  Metric metric_;
  const Pairwise* pairwise_;
  Embedding points_;
  bool against_themselves_;
  Targets targets_;
};

template <class Lanes, class Store>
void AllPairs::run(const kernel::Chunk& chunk, const Lanes& start,
                   void (*extend)(const Tile&, const Group&, Lanes&), const Store& store) const {
  for (std::int64_t begin = chunk.begin(); begin < chunk.end(); begin += kBlockPoints) {
    const std::int64_t end = std::min(begin + kBlockPoints, chunk.end());
    const Block block = load(begin, end);
    std::vector<Lanes> lanes(block.groups.size(), start);
    for (std::int64_t target = 0; target < targets_.count();) {
      if (chunk.cancelled()) return;
      const Tile tile = tile_at(target);
      for (std::size_t g = 0; g < lanes.size(); ++g) extend(tile, block.groups[g], lanes[g]);
      target = tile.end;
    }
    for (std::size_t g = 0; g < lanes.size(); ++g) {
      store(static_cast<std::size_t>(begin - chunk.begin()) + g * kLanes, block.groups[g],
            lanes[g]);
    }
  }
}

}  // namespace gristmill::kernels
