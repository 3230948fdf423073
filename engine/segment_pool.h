#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/placed_memory.h"
#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::engine {

// A segment of a pool with this process's mappings of it.
// Threads and processes: const members are safe from any thread, but for writable(): one at a time.
class PooledSegment {
 public:
  // A page is reserved for each huge page, so that workers can make it huge.
  // Errors: kResources when the system refuses it.
  explicit PooledSegment(std::int64_t size_bytes);

  const std::shared_ptr<const MemoryName>& name() const { return name_; }
  int fd() const { return segment_.fd(); }
  std::int64_t size_bytes() const { return segment_.size_bytes(); }
  // Of these, what has pages: the rest was never touched.
  std::int64_t allocated_bytes() const;
  // What is in it is whatever was left there. Children that the program forks can read it.
  const std::byte* view() const { return view_.data(); }
  // The same memory, for those who write it in this process. Mapped at the first call.
  // Errors: kResources.
  std::byte* writable() const;
  // The same for the owner of a finished output, whose forked children share it.
  std::byte* writable_view() const;

 private:
  std::shared_ptr<const MemoryName> name_ = MemoryName::create();
  ipc::Segment segment_;
  ipc::ReadOnlyMapping view_;
  mutable std::optional<ipc::WritableMapping> writable_;
  mutable std::optional<ipc::WritableMapping> writable_view_;
};

// Segments that are used again, because a fresh page costs far more than the arithmetic on it.
// Threads and processes: safe from any thread. Segments may outlive the pool.
class SegmentPool : public std::enable_shared_from_this<SegmentPool> {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::int64_t cache_bytes = 0;   // kept although nobody uses it
    std::int64_t memory_bytes = 0;  // all segments together; 0: as much as the system has
  };

  // root is "/" outside of tests.
  explicit SegmentPool(Limits limits, std::filesystem::path root = "/")
      : limits_(limits), root_(std::move(root)) {}

  // A segment of at least this size, the one of its size class that was used last, or a new one. It
  // comes back to the pool when the last owner drops it. No limit is asked: for small ones of our
  // own. Errors: kResources when the system refuses a new one.
  std::shared_ptr<const PooledSegment> take(std::int64_t size_bytes);

  // Segments of at least these sizes, all or none; null for a size of 0. What is new of them is
  // counted together, as it is rounded up, against the pool's limit and the memory that is
  // available, before the first is made; what users of the pool have and did not touch yet is not
  // available. What nobody uses is freed before any is refused. what: named in errors.
  // Errors: kResources, with both numbers. May block on another thread's call.
  std::vector<std::shared_ptr<const PooledSegment>> take_all(std::span<const std::int64_t> sizes,
                                                             const std::string& what);

  bool is_limited() const { return limits_.memory_bytes != 0; }
  // What is left of the limit; INT64_MAX without one.
  std::int64_t room_bytes() const;
  // Counts memory of others for the limit, as long as what is returned lives.
  std::shared_ptr<const void> charge(std::int64_t size_bytes);

  // Frees what nobody has used since then; all of it for a time in the future. Returns the bytes of
  // the pages that are free when workers have unmapped them, too.
  std::int64_t trim(Clock::time_point unused_since);

  // To be called now and then: frees what nobody has used for ten seconds, and all that nobody uses
  // when the system is short of memory. root is "/" outside of tests.
  void keep_house(Clock::time_point now, const std::filesystem::path& root);

  // Kept and not used.
  std::int64_t idle_bytes() const;
  // Kept or in use.
  std::int64_t total_bytes() const;
  // In use without pages: the system still counts it as available, but it is promised.
  std::int64_t untouched_bytes() const;

  // Sizes are rounded up to four classes per power of two, at least a huge page.
  static std::int64_t class_bytes(std::int64_t size_bytes);

 private:
  struct Idle {
    std::unique_ptr<const PooledSegment> segment;
    Clock::time_point since;
  };

  using Segments = std::vector<std::shared_ptr<const PooledSegment>>;

  std::shared_ptr<const PooledSegment> take_idle(std::int64_t size_bytes);
  std::unique_ptr<const PooledSegment> new_segment(std::int64_t size_bytes);
  // used_bytes: of these, what will be touched.
  std::shared_ptr<const PooledSegment> make(std::int64_t size_bytes, std::int64_t used_bytes);
  std::shared_ptr<const PooledSegment> share(std::unique_ptr<const PooledSegment> segment,
                                             std::int64_t used_bytes);
  void give_back(std::unique_ptr<const PooledSegment> segment);
  // Takes the last idle one out of the list, and of the counts.
  void drop_last(std::list<Idle>& dropped);

  const Limits limits_;
  const std::filesystem::path root_;
  std::mutex taking_;         // one call of take_all at a time: what it counts stays true
  mutable std::mutex mutex_;  // all below
  std::list<Idle> idle_;      // the one used last in front
  std::unordered_map<const PooledSegment*, std::int64_t> used_bytes_;  // of those in use
  std::int64_t idle_bytes_ = 0;
  std::int64_t total_bytes_ = 0;
};

}  // namespace gristmill::engine
