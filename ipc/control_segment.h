#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/chunk_times.h"

// A job's control segment: what coordinator and workers share while the job runs. Who writes what,
// and what happens when a writer dies there, is in README.md.
namespace gristmill::ipc {

// Half-open range of chunks. The value of a partition or lease word. In a reduce the merges are
// chunks, too: they follow the chunks of items.
struct ChunkRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::uint32_t size() const { return end - begin; }
  bool empty() const { return begin >= end; }
  friend bool operator==(const ChunkRange&, const ChunkRange&) = default;
};

constexpr std::uint64_t pack(ChunkRange range) {
  return (std::uint64_t{range.begin} << 32) | range.end;
}
constexpr ChunkRange unpack_range(std::uint64_t word) {
  return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}

// A worker's stamp: the chunk that it is in. 0: none.
constexpr std::uint64_t stamp_of(std::uint32_t job, std::uint32_t chunk) {
  return (std::uint64_t{job} << 32) | (std::uint64_t{chunk} + 1);
}
constexpr std::uint32_t job_of_stamp(std::uint64_t stamp) {
  return static_cast<std::uint32_t>(stamp >> 32);
}
// Requires: the stamp is not 0.
constexpr std::uint32_t chunk_of_stamp(std::uint64_t stamp) {
  return static_cast<std::uint32_t>(stamp) - 1;
}

// A ledger word that is neither the chunk's tag nor kConvicted means: not done.
inline constexpr std::uint32_t kOpen = 0;
inline constexpr std::uint32_t kConvicted = 0xFFFFFFFF;

// The ledger value of a done chunk: a hash keyed by the job, never kOpen or kConvicted. So stray
// bytes do not pass for done work.
constexpr std::uint32_t ledger_tag(std::uint64_t ledger_key, std::uint32_t chunk) {
  // lowbias32 (Wellons 2018), in 32 bits because the coordinator computes all tags of a job at
  // once.
  const std::uint64_t spread = ledger_key * 0x9E3779B97F4A7C15U;
  std::uint32_t x = chunk ^ static_cast<std::uint32_t>(spread);
  x = (x ^ (x >> 16)) * 0x7FEB352DU;
  x = (x ^ (x >> 15)) * 0x846CA68BU;
  x = x ^ (x >> 16) ^ static_cast<std::uint32_t>(spread >> 32);
  return x == kOpen || x == kConvicted ? 1 : x;
}

// One worker's words. All are valid at every instant; see README.md for writers and orders.
struct SlotWords {
  // Claimed by compare-and-swap only, by any worker; stored by the coordinator in a quiet state.
  alignas(128) std::atomic<std::uint64_t> partition;
  // Written by this slot's worker; cleared by the coordinator after it was reaped.
  alignas(128) std::atomic<std::uint64_t> executing;
  std::atomic<std::uint64_t> lease;
  // Counters, written by this slot's worker: for progress and statistics; in a reduce, those of
  // chunks and merges also say when a round is complete and which partials of an exact merge there
  // are.
  std::atomic<std::uint64_t> chunks_done;
  std::atomic<std::uint64_t> follow_ups_done;
  std::atomic<std::uint64_t> items_done;
  std::atomic<std::uint64_t> leases;
  std::atomic<std::uint64_t> stolen_leases;
  std::atomic<std::uint64_t> busy_nanoseconds;
  std::atomic<std::uint64_t> first_chunk_nanoseconds;  // CLOCK_MONOTONIC; 0: none yet
  // 1 once this slot's accumulator of an exact merge holds something; cleared by the coordinator
  // when it was reaped.
  std::atomic<std::uint64_t> accumulates;
  // Bytes of rows that this slot's worker has reserved in an emit.
  std::atomic<std::uint64_t> reserved_bytes;
  // Of chunks, by the bucket of the time they took.
  std::array<std::atomic<std::uint32_t>, kTimeBuckets> chunk_times;
};

// Where the rows of a chunk lie, in an emit: rows [first_row, first_row + rows) of an extent.
struct EmittedRange {
  std::uint32_t extent = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;

  // True if it is one that there can be.
  bool lies_within(std::uint32_t extents, std::int64_t capacity_rows) const {
    return extent < extents && first_row >= 0 && rows <= capacity_rows &&
           first_row <= capacity_rows - rows;
  }
};

// Written by the worker that holds the claim of the chunk, before its tag; read when the tag is
// there. In a reduce with an exact merge: in which accumulator the chunk is.
struct ChunkRecord {
  std::atomic<std::uint64_t> first_row;  // or the accumulator_id
  std::atomic<std::uint64_t> rows;       // extent in the upper 16 bits
};

// The accumulator of a worker's life, after so many that it has abandoned.
constexpr std::uint64_t accumulator_id(std::uint32_t life, std::uint32_t abandoned) {
  return (std::uint64_t{abandoned} << 32) | life;
}

constexpr std::uint64_t pack_rows(std::uint32_t extent, std::uint64_t rows) {
  return (std::uint64_t{extent} << 48) | rows;
}
inline constexpr std::int64_t kMostEmittedRows = (std::int64_t{1} << 48) - 1;

inline EmittedRange read_record(const ChunkRecord& record) {
  // relaxed: ordered by the chunk's tag.
  const std::uint64_t rows = record.rows.load(std::memory_order_relaxed);
  return {static_cast<std::uint32_t>(rows >> 48),
          static_cast<std::int64_t>(record.first_row.load(std::memory_order_relaxed)),
          static_cast<std::int64_t>(rows & static_cast<std::uint64_t>(kMostEmittedRows))};
}

struct ControlHeader {
  // The job's number once it is cancelled or has failed; written by the coordinator, never reset
  // while the job is open.
  alignas(128) std::atomic<std::uint32_t> stop;
  // Bytes of rows that workers have reserved in an emit; added to by any of them.
  alignas(128) std::atomic<std::uint64_t> emitted_bytes;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// A view of a job's control segment in this process.
// Threads and processes: the words are atomics; README.md says who may write. Lifetime: the mapping
// outlives it.
class ControlSegment {
 public:
  // How much memory it takes. All words zero are empty partitions and an open ledger.
  // records: of an emit, one for each chunk of items.
  static std::int64_t size_bytes(std::uint32_t slots, std::uint32_t chunks,
                                 std::uint32_t records = 0);
  // Errors: kInvalid if the memory is too small for them.
  ControlSegment(std::span<std::byte> memory, std::uint32_t slots, std::uint32_t chunks,
                 std::uint32_t records = 0);

  std::atomic<std::uint32_t>& stop() const { return header_->stop; }
  std::atomic<std::uint64_t>& emitted_bytes() const { return header_->emitted_bytes; }
  // Requires: slot < slots().
  SlotWords& slot(std::uint32_t slot) const {
    assert(slot < slots_);
    return slot_words_[slot];
  }
  // Requires: chunk < chunks().
  std::atomic<std::uint32_t>& ledger(std::uint32_t chunk) const {
    assert(chunk < chunks_);
    return ledger_[chunk];
  }

  // Requires: chunk < records().
  ChunkRecord& record(std::uint32_t chunk) const {
    assert(chunk < record_count_);
    return records_[chunk];
  }

  // Chunks whose word is their tag. Requires: a quiet state, in which nobody writes the ledger.
  // What was written for these chunks can be read after that.
  std::uint32_t count_done(std::uint64_t ledger_key) const;

  std::uint32_t slots() const { return slots_; }
  std::uint32_t chunks() const { return chunks_; }
  std::uint32_t records() const { return record_count_; }

 private:
  ControlHeader* header_;
  SlotWords* slot_words_;
  ChunkRecord* records_;
  std::atomic<std::uint32_t>* ledger_;
  std::uint32_t slots_;
  std::uint32_t chunks_;
  std::uint32_t record_count_;
};

}  // namespace gristmill::ipc
