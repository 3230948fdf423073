#include "workers/scratch.h"

#include <algorithm>

namespace gristmill::workers {

void* Scratch::take(std::int64_t size_bytes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 46;
  if (size_bytes < 0 || size_bytes > kMost) return nullptr;
  const std::size_t wanted =
      (std::max<std::size_t>(static_cast<std::size_t>(size_bytes), 1) + kAlignment - 1) /
      kAlignment * kAlignment;
  if (blocks_.empty() || wanted > blocks_.back().size_bytes() - used_bytes_) {
    constexpr std::size_t kSmallest = 4096;
    const std::size_t twice = blocks_.empty() ? kSmallest : 2 * blocks_.back().size_bytes();
    Block block(std::max(wanted, twice));
    if (block.data() == nullptr) return nullptr;
    blocks_.push_back(std::move(block));
    used_bytes_ = 0;
  }
  std::byte* memory = blocks_.back().data() + used_bytes_;
  used_bytes_ += wanted;
  return memory;
}

// The last block is the largest: it is the one to keep.
void Scratch::reset() {
  if (blocks_.size() > 1) blocks_.erase(blocks_.begin(), blocks_.end() - 1);
  used_bytes_ = 0;
}

}  // namespace gristmill::workers
