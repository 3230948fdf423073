#include "workers/memory_cache.h"

#include <gristmill/error.h>

#include "ipc/segment.h"

namespace gristmill::workers {

MappedMemory::MappedMemory(int fd, const ipc::Placement& placement, ipc::Access access)
    : range_offset_(placement.range_offset), size_bytes_(placement.range_bytes) {
  if (placement.sealed && !ipc::is_sealed(fd)) {
    throw Error(ErrorCode::kInternal, "a dataset in memory is not sealed");
  }
  if (access == ipc::Access::kWrite) {
    writable_.emplace(fd, placement.range_offset, placement.range_bytes);
    data_ = writable_->data();
  } else {
    read_only_ = ipc::ReadOnlyMapping(fd, placement.range_offset, placement.range_bytes);
    data_ = const_cast<std::byte*>(read_only_.data());
  }
  const bool may_be_huge = access == ipc::Access::kWrite && ipc::has_fixed_size(fd);
  pages_.emplace(data_, size_bytes_, access, may_be_huge);
}

void MappedMemory::set_frozen(bool frozen) {
  if (frozen == frozen_) return;
  writable_->set_writable(!frozen);
  pages_->set_access(frozen ? ipc::Access::kRead : ipc::Access::kWrite);
  frozen_ = frozen;
}

// Counting reads all of smaps, so only when there is something new to count.
std::int64_t MappedMemory::huge_bytes() {
  if (pages_->collapsed_bytes() != collapsed_when_counted_) {
    collapsed_when_counted_ = pages_->collapsed_bytes();
    huge_bytes_ = ipc::huge_bytes(data_, size_bytes_);
  }
  return huge_bytes_;
}

MappedMemory& MemoryCache::map(int fd, const ipc::Placement& placement, ipc::Access access) {
  std::unique_ptr<MappedMemory>& memory = memories_[placement.memory];
  if (memory && !memory->is_range_of(placement)) {
    throw Error(ErrorCode::kInternal, "a memory came again as another range");
  }
  if (!memory || (access == ipc::Access::kWrite && !memory->can_write())) {
    try {
      memory.reset();
      memory = std::make_unique<MappedMemory>(fd, placement, access);
    } catch (...) {
      memories_.erase(placement.memory);
      throw;
    }
  }
  if (access == ipc::Access::kWrite) memory->set_frozen(false);
  return *memory;
}

void MemoryCache::freeze_all() {
  for (const auto& [number, memory] : memories_) {
    if (memory->can_write()) memory->set_frozen(true);
  }
}

void MemoryCache::forget(const std::vector<std::uint64_t>& memories) {
  for (const std::uint64_t memory : memories) memories_.erase(memory);
}

}  // namespace gristmill::workers
