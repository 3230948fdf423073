#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ipc/control_segment.h"
#include "ipc/mapping.h"
#include "ipc/messages.h"
#include "ipc/unique_fd.h"
#include "workers/memory_cache.h"

namespace gristmill::workers {

// Copies emitted rows into output files: those of a chunk behind those of all chunks before it. A
// chunk may be copied again, its rows are not changed by it.
// Requires: all chunks of items have their records, and nobody writes these any more.
// Lifetime: emit and memory outlive it.
class RowGatherer {
 public:
  // Errors: kInternal for records that name rows which there cannot be; as the mappings'.
  RowGatherer(const ipc::Emit& emit, const std::vector<ipc::ArraySpec>& outputs,
              const std::vector<ipc::UniqueFd>& fds, MemoryCache& memory,
              const ipc::ControlSegment& control);

  void gather(std::uint32_t chunk);

 private:
  struct File {
    std::size_t output;
    std::int64_t row_bytes;
    MappedMemory* memory;
  };

  void read_records(const ipc::ControlSegment& control);
  const std::byte* rows_of(std::uint32_t extent, const File& file);

  const ipc::Emit& emit_;
  int segment_fd_;
  // By chunk, as they were checked: what is shared may change.
  std::vector<ipc::EmittedRange> ranges_;
  std::vector<std::int64_t> first_row_;    // in the file, by chunk; and of all at the end
  std::vector<std::int64_t> extent_rows_;  // used, by extent
  std::vector<File> files_;
  std::vector<std::optional<ipc::ReadOnlyMapping>> mappings_;  // by extent and file
};

}  // namespace gristmill::workers
