#include "ipc/ring.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace gristmill::ipc {
namespace {

// A frame is its length in 4 bytes and then its bytes, padded to 8. Indexes count bytes for ever;
// unsigned arithmetic makes their wrap harmless.
constexpr std::uint64_t kLengthBytes = sizeof(std::uint32_t);
static_assert((kRingBytes & (kRingBytes - 1)) == 0);
static_assert(kMaxFrameBytes + kLengthBytes < kRingBytes);

std::uint64_t record_bytes(std::uint64_t frame_bytes) {
  return (kLengthBytes + frame_bytes + 7) & ~std::uint64_t{7};
}

void copy_in(RingLayout& layout, std::uint64_t index, const void* from, std::size_t count) {
  const std::size_t start = index & (kRingBytes - 1);
  const std::size_t first = std::min<std::size_t>(count, kRingBytes - start);
  std::memcpy(layout.frames.data() + start, from, first);
  std::memcpy(layout.frames.data(), static_cast<const std::byte*>(from) + first, count - first);
}

void copy_out(const RingLayout& layout, std::uint64_t index, void* to, std::size_t count) {
  const std::size_t start = index & (kRingBytes - 1);
  const std::size_t first = std::min<std::size_t>(count, kRingBytes - start);
  std::memcpy(to, layout.frames.data() + start, first);
  std::memcpy(static_cast<std::byte*>(to) + first, layout.frames.data(), count - first);
}

}  // namespace

RingWriter::RingWriter(RingLayout& layout, const RingCursor& cursor)
    // relaxed: this side is head's only writer.
    : layout_(layout), cursor_(cursor), head_(layout.head.load(std::memory_order_relaxed)) {}

bool RingWriter::push(std::span<const std::byte> frame) {
  assert(!frame.empty() && frame.size() <= kMaxFrameBytes);
  if (corrupt_) return false;
  // acquire, partner of the reader's release: its copy out of these bytes is over.
  const std::uint64_t used = head_ - cursor_.tail.load(std::memory_order_acquire);
  if (used > kRingBytes) {
    corrupt_ = true;
    return false;
  }
  const std::uint64_t needed = record_bytes(frame.size());
  if (needed > kRingBytes - used) return false;
  const auto length = static_cast<std::uint32_t>(frame.size());
  copy_in(layout_, head_, &length, kLengthBytes);
  copy_in(layout_, head_ + kLengthBytes, frame.data(), frame.size());
  head_ += needed;
  // release, partner of the reader's acquire: the bytes are there before the index says so.
  layout_.head.store(head_, std::memory_order_release);
  return true;
}

RingReader::RingReader(const RingLayout& layout, RingCursor& cursor)
    // relaxed: this side is tail's only writer.
    : layout_(layout), cursor_(cursor), tail_(cursor.tail.load(std::memory_order_relaxed)) {}

RingReader::Pop RingReader::pop(std::vector<std::byte>& frame) {
  if (corrupt_) return Pop::kCorrupt;
  // acquire, partner of the writer's release.
  const std::uint64_t available = layout_.head.load(std::memory_order_acquire) - tail_;
  if (available == 0) return Pop::kEmpty;
  std::uint32_t length = 0;
  if (available <= kRingBytes && available >= kLengthBytes) {
    copy_out(layout_, tail_, &length, kLengthBytes);
  }
  corrupt_ = length == 0 || length > kMaxFrameBytes || record_bytes(length) > available;
  if (corrupt_) return Pop::kCorrupt;
  frame.resize(length);
  copy_out(layout_, tail_ + kLengthBytes, frame.data(), length);
  tail_ += record_bytes(length);
  // release, partner of the writer's acquire: the copy is over before the room is given back.
  cursor_.tail.store(tail_, std::memory_order_release);
  return Pop::kFrame;
}

}  // namespace gristmill::ipc
