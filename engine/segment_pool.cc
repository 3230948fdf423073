#include "engine/segment_pool.h"

#include <algorithm>
#include <bit>

#include "ipc/pages.h"

namespace gristmill::engine {

PooledSegment::PooledSegment(std::int64_t size_bytes)
    : segment_(ipc::Segment::create(size_bytes)), mapping_(segment_.fd(), 0, size_bytes) {
  // Without the pages, memory is populated instead of made huge: slower, not wrong.
  static_cast<void>(ipc::reserve_for_huge_pages(segment_.fd(), size_bytes));
}

std::shared_ptr<const PooledSegment> SegmentPool::take(std::int64_t size_bytes) {
  const std::int64_t wanted = class_bytes(size_bytes);
  std::unique_ptr<const PooledSegment> segment = take_idle(wanted);
  if (!segment) segment = std::make_unique<const PooledSegment>(wanted);
  return {segment.release(), [pool = weak_from_this()](const PooledSegment* used) {
            std::unique_ptr<const PooledSegment> owned(used);
            if (const auto alive = pool.lock()) alive->give_back(std::move(owned));
          }};
}

void SegmentPool::trim(Clock::time_point unused_since) {
  std::list<Idle> dropped;
  const std::lock_guard lock(mutex_);
  while (!idle_.empty() && idle_.back().since <= unused_since) {
    idle_bytes_ -= idle_.back().segment->size_bytes();
    dropped.splice(dropped.end(), idle_, std::prev(idle_.end()));
  }
}

std::int64_t SegmentPool::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  return idle_bytes_;
}

bool SegmentPool::has(std::int64_t size_bytes) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(idle_.begin(), idle_.end(), [&](const Idle& idle) {
    return idle.segment->size_bytes() == class_bytes(size_bytes);
  });
}

std::int64_t SegmentPool::class_bytes(std::int64_t size_bytes) {
  if (size_bytes <= ipc::kHugePageBytes) return ipc::kHugePageBytes;
  const auto floor =
      static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size_bytes - 1)));
  const std::int64_t step = std::max(floor / 4, ipc::kHugePageBytes);
  if (size_bytes > INT64_MAX - step) return size_bytes;  // more than any system has
  return (size_bytes + step - 1) / step * step;
}

void SegmentPool::give_back(std::unique_ptr<const PooledSegment> segment) {
  std::list<Idle> dropped;
  const std::lock_guard lock(mutex_);
  idle_bytes_ += segment->size_bytes();
  idle_.push_front({std::move(segment), Clock::now()});
  while (idle_bytes_ > cache_bytes_) {
    idle_bytes_ -= idle_.back().segment->size_bytes();
    dropped.splice(dropped.end(), idle_, std::prev(idle_.end()));
  }
}

std::unique_ptr<const PooledSegment> SegmentPool::take_idle(std::int64_t class_bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
    return idle.segment->size_bytes() == class_bytes;
  });
  if (found == idle_.end()) return nullptr;
  std::unique_ptr<const PooledSegment> segment = std::move(found->segment);
  idle_bytes_ -= segment->size_bytes();
  idle_.erase(found);
  return segment;
}

}  // namespace gristmill::engine
