#pragma once

#include <cstdint>
#include <vector>

#include "ipc/control_segment.h"

namespace gristmill::ipc {

// The fixed tree in which the partials of a reduce are merged: a function of its two numbers alone.
// Partials are numbered: first the leaves, then the merges level by level, the root last. Each
// merge makes one partial of up to fan_in neighbours of the level before it. There is always a
// root, also over a single leaf or none.
class MergeTree {
 public:
  // Requires: fan_in >= 2.
  MergeTree(std::uint32_t leaves, std::uint32_t fan_in);

  std::uint32_t leaves() const { return leaves_; }
  std::uint32_t merges() const { return partials() - leaves_; }
  std::uint32_t partials() const { return levels_.back().end; }
  std::uint32_t root() const { return partials() - 1; }

  // The merges that can be made at the same time, in the order in which that is possible.
  const std::vector<ChunkRange>& levels() const { return levels_; }
  // What is merged into a partial, in this order. Requires: leaves() <= partial < partials().
  ChunkRange inputs_of(std::uint32_t partial) const;

 private:
  std::uint32_t leaves_;
  std::uint32_t fan_in_;
  std::vector<ChunkRange> levels_;
};

}  // namespace gristmill::ipc
