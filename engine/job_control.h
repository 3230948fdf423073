#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
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
  // What a live worker's stamp was a moment ago.
  std::uint64_t stamp(std::uint32_t slot) const;
  // The stamp of a dead worker, whose words are cleared. Requires: it was reaped.
  std::uint64_t bury(std::uint32_t slot);

  // What the slot's last worker added up in an exact merge is gone. Requires: it was reaped.
  void lose_accumulator(std::uint32_t slot);
  // The chunk is not run again. False if it is done after all. Requires: no live worker has it.
  bool convict(std::uint32_t chunk);
  // Takes back a conviction. Requires: a quiet state.
  void acquit(std::uint32_t chunk);
  // Makes the chunks open again that are in these accumulators. Requires: an exact merge, a quiet
  // state.
  void reopen(const std::set<std::uint64_t>& accumulator_ids);
  // From the first to the last chunk of the range that is open; empty if none is. Requires: a quiet
  // state.
  ipc::ChunkRange open_chunks(ipc::ChunkRange range) const;

  bool is_open(std::uint32_t chunk) const { return !is_done(chunk) && !is_convicted(chunk); }
  bool is_convicted(std::uint32_t chunk) const;
  // Whether the chunk has its tag. What was written for it can be read after that.
  bool is_done(std::uint32_t chunk) const;
  // Requires: a quiet state.
  std::uint32_t done_in_ledger() const { return words_->count_done(ledger_key_); }
  // What the slot's workers counted so far, chunks and follow-ups.
  std::int64_t done_as_counted(std::uint32_t slot) const;
  // Chunks and follow-ups, as the workers counted them. Requires: a quiet state.
  std::int64_t done_as_counted() const;

  // Requires: a quiet state.
  std::vector<WorkerStats> worker_stats(std::chrono::steady_clock::time_point submitted,
                                        std::chrono::duration<double> running) const;
  ChunkTimes chunk_times() const;
  // When the first chunk began; none if no one did.
  std::optional<std::chrono::steady_clock::time_point> first_chunk() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> first_chunk(std::uint32_t slot) const;

  std::shared_ptr<const PooledSegment> memory_;
  std::shared_ptr<const ipc::ControlSegment> words_;
  std::uint64_t ledger_key_;
};

}  // namespace gristmill::engine
