#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/mapping.h"
#include "ipc/messages.h"
#include "ipc/pages.h"
#include "workers/page_preparer.h"

namespace gristmill::workers {

// A range of memory that this worker has mapped.
class MappedMemory {
 public:
  // Errors: kInternal for memory that should be sealed and is not; as the mappings'.
  MappedMemory(int fd, const ipc::Placement& placement, ipc::Access access);

  std::byte* data() const { return data_; }
  std::int64_t size_bytes() const { return size_bytes_; }
  // Whether it is the range that the placement says.
  bool is_range_of(const ipc::Placement& placement) const {
    return placement.range_offset == range_offset_ && placement.range_bytes == size_bytes_;
  }
  bool can_write() const { return writable_.has_value(); }
  // Gives the right to write up until it is taken back. Requires: can_write().
  void set_frozen(bool frozen);
  PagePreparer& pages() { return *pages_; }
  // Bytes of it that this process has mapped by huge pages, as the kernel tells.
  std::int64_t huge_bytes();

 private:
  std::optional<ipc::WritableMapping> writable_;
  ipc::ReadOnlyMapping read_only_;
  std::byte* data_;  // not to be written unless writable_ is there and not frozen
  std::int64_t range_offset_;
  std::int64_t size_bytes_;
  bool frozen_ = false;
  std::int64_t collapsed_when_counted_ = 0;
  std::int64_t huge_bytes_ = 0;
  std::optional<PagePreparer> pages_;
};

// The mappings that a worker keeps from job to job: "warm" is per process.
class MemoryCache {
 public:
  // The mapping of that memory, made if it is not there. For writing it is writable afterwards; for
  // reading it is as it was: frozen, once freeze_all was called. Errors: kInternal if it is there
  // as another range.
  MappedMemory& map(int fd, const ipc::Placement& placement, ipc::Access access);
  // No memory can be written until it is mapped for writing again.
  void freeze_all();
  void forget(const std::vector<std::uint64_t>& memories);

 private:
  std::map<std::uint64_t, std::unique_ptr<MappedMemory>> memories_;
};

}  // namespace gristmill::workers
