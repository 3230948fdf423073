#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gristmill::ipc {

inline constexpr std::uint32_t kRingBytes = 256 * 1024;  // a power of two
inline constexpr std::uint32_t kMaxFrameBytes = 64 * 1024;

// The writer's half of a queue of frames from one process to one other. It lies in memory that only
// the writer may write; the reader's index lies in memory that only the reader may write. So
// neither side can damage more than its own half. See README.md.
struct RingLayout {
  alignas(128) std::atomic<std::uint64_t> head;  // bytes ever published; written by the writer
  alignas(128) std::array<std::byte, kRingBytes> frames;  // written by the writer up to head
};

// The reader's half: bytes ever consumed; written by the reader.
struct RingCursor {
  alignas(128) std::atomic<std::uint64_t> tail;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Writes frames. For one thread of the writing process.
// Lifetime: the layout and the cursor outlive it.
class RingWriter {
 public:
  RingWriter(RingLayout& layout, const RingCursor& cursor);

  // Copies a frame in and publishes it; false, and nothing happened, if it does not fit now
  // (backpressure). Also false for ever if the reader's index is impossible: see corrupt().
  // Requires: the frame is not empty and not longer than kMaxFrameBytes.
  bool push(std::span<const std::byte> frame);

  // True once the reader's index was seen to be impossible.
  bool corrupt() const { return corrupt_; }

 private:
  RingLayout& layout_;
  const RingCursor& cursor_;
  std::uint64_t head_;
  bool corrupt_ = false;
};

// Reads frames. For one thread of the reading process. It believes nothing the writer wrote: each
// word is read once, checked, and frames are copied out.
// Lifetime: the layout and the cursor outlive it.
class RingReader {
 public:
  enum class Pop { kFrame, kEmpty, kCorrupt };

  RingReader(const RingLayout& layout, RingCursor& cursor);

  // Copies the next frame into `frame`, replacing what was there. kCorrupt is for ever: the writer
  // broke the format and is not to be read any more.
  Pop pop(std::vector<std::byte>& frame);

 private:
  const RingLayout& layout_;
  RingCursor& cursor_;
  std::uint64_t tail_;
  bool corrupt_ = false;
};

}  // namespace gristmill::ipc
