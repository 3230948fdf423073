#include "workers/call_host.h"

#include <algorithm>
#include <utility>

#include "ipc/segment.h"

namespace gristmill::workers {

void ReleasedUses::add(std::uint64_t use) {
  const std::lock_guard lock(mutex_);
  uses_.push_back(use);
}

std::vector<std::uint64_t> ReleasedUses::take() {
  const std::lock_guard lock(mutex_);
  const auto end =
      uses_.begin() + static_cast<std::ptrdiff_t>(std::min(uses_.size(), ipc::kMaxReleased));
  std::vector<std::uint64_t> taken(uses_.begin(), end);
  uses_.erase(uses_.begin(), end);
  return taken;
}

ArgumentMemory::ArgumentMemory(int fd, const ipc::Placement& placement, bool writable,
                               std::shared_ptr<ReleasedUses> released)
    : size_bytes_(placement.range_bytes), use_(placement.memory), released_(std::move(released)) {
  if (placement.sealed && !ipc::is_sealed(fd)) {
    throw Error(ErrorCode::kInternal, "the coordinator sent memory that is not sealed");
  }
  if (writable) {
    own_.emplace(fd, placement.range_offset, placement.range_bytes);
  } else {
    shared_.emplace(fd, placement.range_offset, placement.range_bytes);
  }
}

ArgumentMemory::~ArgumentMemory() {
  own_.reset();
  shared_.reset();
  released_->add(use_);
}

std::byte* ArgumentMemory::data() const {
  return own_ ? own_->data() : const_cast<std::byte*>(shared_->data());
}

}  // namespace gristmill::workers
