#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/control_segment.h"
#include "ipc/merge_tree.h"
#include "ipc/messages.h"
#include "workers/kernel_host.h"
#include "workers/memory_cache.h"

namespace gristmill::workers {

// The partials of a reduce in this worker: what chunks add to, and what merges make of them. A
// partial is only read once it is complete, and then never written: whatever is run again starts
// from the same bytes.
// Lifetime: memory and control outlive it.
class Partials {
 public:
  // chunks: of items. Errors: kInternal if the partials do not fit into their memory.
  Partials(const ipc::Partials& partials, MappedMemory& memory, const ipc::ControlSegment& control,
           std::uint32_t slot, std::uint32_t chunks, std::uint32_t life = 0);

  // What the chunk adds its items to: zeros, or in an exact merge what this worker's life added
  // before.
  std::byte* accumulator_for(std::uint32_t chunk);

  // Makes the leaf of a chunk that of no items. Nothing in an exact merge, where chunks have none.
  void clear(std::uint32_t chunk);
  bool exact() const { return exact_; }

  // Of an exact merge. Which accumulator a chunk is in: a life has another one after each chunk
  // that failed in it.
  std::uint64_t accumulator_id() const { return ipc::accumulator_id(life_, abandoned_); }
  // A chunk has failed half-way: what was added so far is lost.
  void abandon();

  // Makes the partial of a merge. Requires: chunk is a number of a merge, and what it merges is
  // complete. Errors: the kernel's.
  const std::byte* merge(OpenKernel& kernel, std::uint32_t chunk);
  bool is_root(std::uint32_t chunk) const { return partial_of(chunk) == tree_.root(); }

 private:
  std::uint32_t partial_of(std::uint32_t chunk) const { return leaves_ + (chunk - chunks_); }
  std::byte* at(std::uint32_t partial);
  bool is_used(std::uint32_t partial) const;

  ipc::MergeTree tree_;
  MappedMemory& memory_;
  const ipc::ControlSegment& control_;
  std::int64_t array_offset_;
  std::int64_t stride_bytes_;
  std::size_t accumulator_bytes_;
  std::uint32_t leaves_;
  std::uint32_t chunks_;
  std::uint32_t slot_;
  std::uint32_t life_;
  std::uint32_t abandoned_ = 0;
  bool exact_;
  bool started_ = false;
};

}  // namespace gristmill::workers
