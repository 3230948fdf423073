#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/placed_memory.h"
#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::engine {

// A segment of a pool with this process's mapping of it.
// Threads and processes: const members are safe from any thread.
class PooledSegment {
 public:
  // A page is reserved for each huge page, so that workers can make it huge.
  // Errors: kResources when the system refuses it.
  explicit PooledSegment(std::int64_t size_bytes);

  const std::shared_ptr<const MemoryName>& name() const { return name_; }
  int fd() const { return segment_.fd(); }
  std::int64_t size_bytes() const { return segment_.size_bytes(); }
  // Readable and writable. What is in it is whatever was left there.
  std::byte* data() const { return mapping_.data(); }

 private:
  std::shared_ptr<const MemoryName> name_ = MemoryName::create();
  ipc::Segment segment_;
  ipc::WritableMapping mapping_;
};

// Segments that are used again, because a fresh page costs far more than the arithmetic on it.
// Threads and processes: safe from any thread. Segments may outlive the pool.
class SegmentPool : public std::enable_shared_from_this<SegmentPool> {
 public:
  using Clock = std::chrono::steady_clock;

  // cache_bytes: how much is kept that nobody uses.
  explicit SegmentPool(std::int64_t cache_bytes) : cache_bytes_(cache_bytes) {}

  // A segment of at least this size, the one of its size class that was used last, or a new one. It
  // comes back to the pool when the last owner drops it.
  // Errors: kResources when the system refuses a new one.
  std::shared_ptr<const PooledSegment> take(std::int64_t size_bytes);

  // Frees what nobody has used since then; all of it for a time in the future.
  void trim(Clock::time_point unused_since);

  // Kept and not used.
  std::int64_t idle_bytes() const;
  // True if a segment of this size is there already.
  bool has(std::int64_t size_bytes) const;

  // Sizes are rounded up to four classes per power of two, at least a huge page.
  static std::int64_t class_bytes(std::int64_t size_bytes);

 private:
  struct Idle {
    std::unique_ptr<const PooledSegment> segment;
    Clock::time_point since;
  };

  void give_back(std::unique_ptr<const PooledSegment> segment);
  std::unique_ptr<const PooledSegment> take_idle(std::int64_t class_bytes);

  const std::int64_t cache_bytes_;
  mutable std::mutex mutex_;
  std::list<Idle> idle_;  // the one used last in front
  std::int64_t idle_bytes_ = 0;
};

}  // namespace gristmill::engine
