#pragma once

#include <cstdint>
#include <vector>

#include <gristmill/kernel.h>

#include "ipc/control_segment.h"
#include "ipc/messages.h"
#include "workers/memory_cache.h"

namespace gristmill::workers {

// The rows that this worker's chunks emit: one after another in the worker's own region of the
// job's segment, each output in a part of its own. A chunk's rows lie together, and its record says
// where; what a chunk did not commit is written over by the next one.
// Lifetime: region and control outlive it.
class EmittedRows {
 public:
  // Errors: kInternal if the region cannot hold what the message promises.
  EmittedRows(const ipc::Emit& emit, const std::vector<ipc::ArraySpec>& outputs,
              const std::vector<bool>& wanted, MappedMemory& region,
              const ipc::ControlSegment& control);

  // Forgets what an earlier chunk left without its record.
  void begin_chunk() {
    tail_ = first_;
    granted_ = 0;
  }
  // Room behind the committed rows, an array for each output; valid until the next call.
  // Errors: kFailed for a negative count; kResources when there is no room.
  const gm_array* make_room(std::int64_t count);
  // Errors: kFailed for more rows than there is room for.
  void commit(std::int64_t count);
  // Writes the chunk's record, before its tag. Requires: begin_chunk.
  void end_chunk(std::uint32_t chunk);

 private:
  void reserve(std::int64_t rows);
  // False if that is beyond the limit.
  bool count_up_to(std::int64_t rows);

  MappedMemory& region_;
  const ipc::ControlSegment& control_;
  std::uint32_t extent_;
  std::int64_t capacity_rows_;
  std::int64_t limit_bytes_;
  std::vector<gm_array> arrays_;
  std::vector<std::int64_t> offsets_;    // by output
  std::vector<std::int64_t> row_bytes_;  // by output; 0: not wanted
  std::int64_t all_row_bytes_ = 0;
  std::int64_t first_ = 0;     // row of the present chunk, or of the next
  std::int64_t tail_ = 0;      // behind what is committed
  std::int64_t granted_ = 0;   // behind the tail
  std::int64_t reserved_ = 0;  // rows that are counted for the limit
};

}  // namespace gristmill::workers
