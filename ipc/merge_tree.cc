#include "ipc/merge_tree.h"

#include <algorithm>
#include <cassert>

namespace gristmill::ipc {

MergeTree::MergeTree(std::uint32_t leaves, std::uint32_t fan_in)
    : leaves_(leaves), fan_in_(fan_in) {
  assert(fan_in >= 2);
  ChunkRange below{0, leaves};
  do {
    const std::uint32_t merges = below.size() / fan_in + (below.size() % fan_in != 0 ? 1 : 0);
    below = {below.end, below.end + std::max(merges, std::uint32_t{1})};
    levels_.push_back(below);
  } while (below.size() > 1);
}

ChunkRange MergeTree::inputs_of(std::uint32_t partial) const {
  assert(partial >= leaves_ && partial < partials());
  ChunkRange below{0, leaves_};
  for (const ChunkRange& level : levels_) {
    if (partial < level.end) {
      const std::uint32_t begin = below.begin + (partial - level.begin) * fan_in_;
      return {begin, begin + std::min(fan_in_, below.end - begin)};
    }
    below = level;
  }
  return {};
}

}  // namespace gristmill::ipc
