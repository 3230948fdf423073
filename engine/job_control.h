#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gristmill/engine.h>
#include <gristmill/result.h>

#include "engine/segment_pool.h"
#include "ipc/control_segment.h"

namespace gristmill::engine {

// More than any worker counts; that of all workers together is still a number.
inline constexpr std::int64_t kMostOfOneWorker = INT64_MAX / (4 * kMaxWorkers);

// A job's control segment as the coordinator uses it: what it stores there in a quiet state, and
// what it reads of the workers' words.
// Owns: a share of the memory. Threads and processes: the coordinator's thread; words() is for all.
class JobControl {
 public:
  // Empty partitions and an open ledger. Errors: kResources when there is no memory.
  JobControl(SegmentPool& pool, std::uint32_t slots, std::uint32_t chunks, std::uint32_t records);

  // Keeps the memory: callers look at the counters from other threads.
  const std::shared_ptr<const ipc::ControlSegment>& words() const { return words_; }
  PlacedArray place() const;
  std::uint64_t ledger_key() const { return ledger_key_; }
  std::uint32_t chunks() const { return words_->chunks(); }

  // Gives each of the first `workers` slots its part of the chunks, the others nothing.
  // Requires: a quiet state, workers > 0.
  void share_out(ipc::ChunkRange chunks, std::uint32_t workers);
  // Workers leave the job at the next chunk.
  void stop(std::uint32_t job);
  // The stamp of a dead worker, which is cleared. Requires: it was reaped.
  std::uint64_t take_stamp(std::uint32_t slot);

  // Whether the chunk has its tag. What was written for it can be read after that.
  bool is_done(std::uint32_t chunk) const;
  // Requires: a quiet state.
  std::uint32_t done_in_ledger() const { return words_->count_done(ledger_key_); }
  // Chunks and follow-ups, as the workers counted them. Requires: a quiet state.
  std::int64_t done_as_counted() const;

  // Requires: a quiet state.
  std::vector<WorkerStats> worker_stats(std::chrono::duration<double> running) const;
  // When the first chunk began; none if no one did.
  std::optional<std::chrono::steady_clock::time_point> first_chunk() const;

 private:
  std::shared_ptr<const PooledSegment> memory_;
  std::shared_ptr<const ipc::ControlSegment> words_;
  std::uint64_t ledger_key_;
};

}  // namespace gristmill::engine
