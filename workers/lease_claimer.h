#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "ipc/control_segment.h"

namespace gristmill::workers {

struct Lease {
  ipc::ChunkRange chunks;
  bool stolen = false;
};

// Claims leases for one worker: from the front of its own partition, then from the back of the
// fullest other one. The lease's length is a guided part of what remains, at most about 200 us of
// work by measured chunk time; the first lease is one chunk.
// Lifetime: the control segment outlives it.
class LeaseClaimer {
 public:
  LeaseClaimer(const ipc::ControlSegment& control, std::uint32_t slot)
      : control_(control), slot_(slot) {}

  // The claimed lease, already published in this slot's lease word. None: all partitions were seen
  // empty in one pass. Errors: kInternal when a partition holds what no partition can.
  std::optional<Lease> claim();

  // Tells how long a lease took.
  void record(std::uint32_t chunks, std::chrono::nanoseconds elapsed);

 private:
  std::uint32_t lease_length(std::uint32_t available) const;
  std::optional<std::uint32_t> fullest_other() const;
  ipc::ChunkRange load_partition(std::uint32_t slot) const;
  bool take_front(ipc::ChunkRange seen, std::uint32_t length);
  bool take_back(std::uint32_t victim, ipc::ChunkRange seen, std::uint32_t length);
  void publish(ipc::ChunkRange lease);

  const ipc::ControlSegment& control_;
  std::uint32_t slot_;
  double nanoseconds_per_chunk_ = 0;  // 0: nothing measured yet
};

}  // namespace gristmill::workers
