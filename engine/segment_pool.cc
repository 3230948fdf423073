#include "engine/segment_pool.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>

#include <gristmill/error.h>
#include <gristmill/format.h>

#include "engine/reservation.h"
#include "ipc/pages.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

constexpr std::chrono::seconds kKeepIdle{10};
// Each has a descriptor.
constexpr std::size_t kMostIdle = 64;

std::int64_t rounded_up(std::int64_t size_bytes, std::int64_t step) {
  if (size_bytes > INT64_MAX - step) return size_bytes;  // more than any system has
  return (size_bytes + step - 1) / step * step;
}

// Without the room to grow that a size class has.
std::int64_t whole_huge_pages(std::int64_t size_bytes) {
  return rounded_up(std::max<std::int64_t>(size_bytes, 1), ipc::kHugePageBytes);
}

std::int64_t sum(std::span<const std::int64_t> sizes, std::int64_t (*rounded)(std::int64_t)) {
  std::int64_t total = 0;
  for (const std::int64_t size : sizes) {
    if (__builtin_add_overflow(total, rounded(size), &total)) return INT64_MAX;
  }
  return total;
}

[[noreturn]] void refuse_beyond_limit(std::int64_t size_bytes, std::int64_t room_bytes,
                                      std::int64_t limit_bytes, const std::string& what) {
  throw Error(
      ErrorCode::kResources,
      {fmt::format("could not reserve {}: beyond the memory limit", what),
       fmt::format("{} were asked for and {} of the limit of {} are left.", format_size(size_bytes),
                   format_size(room_bytes), format_size(limit_bytes)),
       "Raise the memory limit, drop results that are not needed any more, or write large "
       "outputs to files."});
}

}  // namespace

PooledSegment::PooledSegment(std::int64_t size_bytes)
    : segment_(ipc::Segment::create(size_bytes)), view_(segment_.fd(), 0, size_bytes) {
  // Without the pages, memory is populated instead of made huge: slower, not wrong.
  static_cast<void>(ipc::reserve_for_huge_pages(segment_.fd(), size_bytes));
}

std::byte* PooledSegment::writable() const {
  if (!writable_) writable_.emplace(segment_.fd(), 0, segment_.size_bytes());
  return writable_->data();
}

std::byte* PooledSegment::writable_view() const {
  if (!writable_view_) {
    writable_view_.emplace(segment_.fd(), 0, segment_.size_bytes(), ipc::InForks::kShared);
  }
  return writable_view_->data();
}

std::int64_t PooledSegment::allocated_bytes() const {
  constexpr std::int64_t kBlockBytes = 512;  // whatever st_blksize is
  struct stat status {};
  return fstat(fd(), &status) == 0 ? status.st_blocks * kBlockBytes : 0;
}

std::shared_ptr<const PooledSegment> SegmentPool::take(std::int64_t size_bytes) {
  auto segment = take_idle(size_bytes);
  return segment ? segment : make(class_bytes(size_bytes), size_bytes);
}

std::vector<std::shared_ptr<const PooledSegment>> SegmentPool::take_all(
    std::span<const std::int64_t> sizes, const std::string& what) {
  const std::lock_guard one_at_a_time(taking_);
  Segments segments;
  std::vector<std::int64_t> missing;
  for (const std::int64_t size : sizes) {
    segments.push_back(size == 0 ? nullptr : take_idle(size));
    if (size != 0 && !segments.back()) missing.push_back(size);
  }
  if (missing.empty()) return segments;

  // Before anything is freed: workers unmap what is freed between jobs.
  std::int64_t available = available_memory_bytes(root_).value_or(INT64_MAX);
  if (available != INT64_MAX) {
    available = std::max<std::int64_t>(available - untouched_bytes(), 0);
  }
  const auto fits = [&](std::int64_t needed) {
    return needed <= room_bytes() && needed <= available;
  };
  auto* rounded = &class_bytes;
  if (!fits(sum(missing, rounded))) {
    const std::int64_t freed = trim(Clock::now());
    if (__builtin_add_overflow(available, freed, &available)) available = INT64_MAX;
  }
  if (!fits(sum(missing, rounded))) rounded = &whole_huge_pages;
  const std::int64_t needed = sum(missing, rounded);
  if (needed > room_bytes()) {
    refuse_beyond_limit(needed, room_bytes(), limits_.memory_bytes, what);
  }
  require_memory(needed, what, available);
  for (const std::int64_t size : missing) require_below_file_limit(rounded(size), what);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (sizes[i] == 0 || segments[i]) continue;
    // The job before may have given one back meanwhile.
    segments[i] = take_idle(sizes[i]);
    if (!segments[i]) segments[i] = make(rounded(sizes[i]), sizes[i]);
  }
  return segments;
}

std::int64_t SegmentPool::trim(Clock::time_point unused_since) {
  std::list<Idle> dropped;
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty() && idle_.back().since <= unused_since) drop_last(dropped);
  }
  std::int64_t freed = 0;
  for (const Idle& idle : dropped) freed += idle.segment->allocated_bytes();
  return freed;
}

void SegmentPool::keep_house(Clock::time_point now, const std::filesystem::path& root) {
  if (idle_bytes() == 0) return;
  trim(is_memory_short(root) ? now : now - kKeepIdle);
}

std::int64_t SegmentPool::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  return idle_bytes_;
}

std::int64_t SegmentPool::total_bytes() const {
  const std::lock_guard lock(mutex_);
  return total_bytes_;
}

std::int64_t SegmentPool::untouched_bytes() const {
  const std::lock_guard lock(mutex_);
  std::int64_t untouched = 0;
  for (const auto& [segment, used_bytes] : used_bytes_) {
    untouched += std::max<std::int64_t>(used_bytes - segment->allocated_bytes(), 0);
  }
  return untouched;
}

std::int64_t SegmentPool::class_bytes(std::int64_t size_bytes) {
  if (size_bytes <= ipc::kHugePageBytes) return ipc::kHugePageBytes;
  const auto floor =
      static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size_bytes - 1)));
  return rounded_up(size_bytes, std::max(floor / 4, ipc::kHugePageBytes));
}

// Any that is large enough and not larger than its class: some were made without room to grow.
std::shared_ptr<const PooledSegment> SegmentPool::take_idle(std::int64_t size_bytes) {
  std::unique_ptr<const PooledSegment> segment;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
      const std::int64_t there = idle.segment->size_bytes();
      return there >= size_bytes && there <= class_bytes(size_bytes);
    });
    if (found == idle_.end()) return nullptr;
    segment = std::move(found->segment);
    idle_bytes_ -= segment->size_bytes();
    idle_.erase(found);
  }
  return share(std::move(segment), size_bytes);
}

// What nobody uses has descriptors, too.
std::unique_ptr<const PooledSegment> SegmentPool::new_segment(std::int64_t size_bytes) {
  try {
    return std::make_unique<const PooledSegment>(size_bytes);
  } catch (const Error&) {
    if (trim(Clock::now()) == 0) throw;
  }
  return std::make_unique<const PooledSegment>(size_bytes);
}

std::shared_ptr<const PooledSegment> SegmentPool::make(std::int64_t size_bytes,
                                                       std::int64_t used_bytes) {
  auto segment = new_segment(size_bytes);
  GRISTMILL_TEST_POINT("coordinator-after-segment");
  {
    const std::lock_guard lock(mutex_);
    total_bytes_ += segment->size_bytes();
  }
  return share(std::move(segment), used_bytes);
}

std::shared_ptr<const PooledSegment> SegmentPool::share(
    std::unique_ptr<const PooledSegment> segment, std::int64_t used_bytes) {
  {
    const std::lock_guard lock(mutex_);
    used_bytes_.emplace(segment.get(), used_bytes);
  }
  return {segment.release(), [pool = weak_from_this()](const PooledSegment* used) {
            std::unique_ptr<const PooledSegment> owned(used);
            if (const auto alive = pool.lock()) alive->give_back(std::move(owned));
          }};
}

void SegmentPool::give_back(std::unique_ptr<const PooledSegment> segment) {
  std::list<Idle> dropped;
  const std::lock_guard lock(mutex_);
  used_bytes_.erase(segment.get());
  idle_bytes_ += segment->size_bytes();
  idle_.push_front({std::move(segment), Clock::now()});
  while (idle_bytes_ > limits_.cache_bytes || idle_.size() > kMostIdle) drop_last(dropped);
}

void SegmentPool::drop_last(std::list<Idle>& dropped) {
  const std::int64_t size = idle_.back().segment->size_bytes();
  idle_bytes_ -= size;
  total_bytes_ -= size;
  dropped.splice(dropped.end(), idle_, std::prev(idle_.end()));
}

std::int64_t SegmentPool::room_bytes() const {
  if (limits_.memory_bytes == 0) return INT64_MAX;
  return std::max<std::int64_t>(limits_.memory_bytes - total_bytes(), 0);
}

std::shared_ptr<const void> SegmentPool::charge(std::int64_t size_bytes) {
  {
    const std::lock_guard lock(mutex_);
    total_bytes_ += size_bytes;
  }
  const auto give_back = [pool = weak_from_this(), size_bytes](const void*) {
    if (const auto alive = pool.lock()) {
      const std::lock_guard lock(alive->mutex_);
      alive->total_bytes_ -= size_bytes;
    }
  };
  return {static_cast<const void*>(this), give_back};
}

}  // namespace gristmill::engine
