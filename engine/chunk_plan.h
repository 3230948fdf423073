#pragma once

#include <cstdint>
#include <string>

#include <gristmill/job.h>

namespace gristmill::engine {

// Half-open: begin is in it, end is not.
struct ItemRange {
  std::int64_t begin;
  std::int64_t end;
};

// What is known about a job before its chunks are cut.
struct ChunkDemand {
  std::int64_t items = 0;
  std::int64_t bytes_per_item = 0;
  double nanoseconds_per_item = 0;       // the kernel's static estimate; 0: not known
  std::int64_t most_chunks = INT64_MAX;  // that auto may choose, of a reduce
};

inline constexpr std::int64_t kMinAutoChunks = 2048;
inline constexpr std::int64_t kMaxAutoChunks = std::int64_t{1} << 20;
// A chunk with less of both is not worth a chunk of its own.
inline constexpr std::int64_t kSmallChunkBytes = 64 * 1024;
inline constexpr double kCheapChunkNanoseconds = 20'000;
// More in one chunk gains nothing, and delays cancel and whatever is told per chunk.
inline constexpr std::int64_t kLargeChunkBytes = 1024 * 1024;
// Vectorised kernels work on so many items at a time.
inline constexpr std::int64_t kLaneItems = 16;
// The ledger has four bytes per chunk.
inline constexpr std::int64_t kMaxChunks = std::int64_t{1} << 26;

// How items are cut into chunks; all chunks but the last are equally long.
struct ChunkPlan {
  std::int64_t items = 0;
  std::int64_t chunk_items = 0;
  std::int64_t chunks = 0;
  std::string rule;  // what chose chunk_items, in words

  // Requires: 0 <= chunk < chunks.
  ItemRange range_of(std::int64_t chunk) const;
};

// A function of its arguments and the constants above alone: the chunks of a job are the same on
// every machine and for any number of workers. Automatic is:
//
//   chunk_items = items / kMinAutoChunks (rounded down, to a multiple of kLaneItems if it is not
//                 below that), at most what fits into kLargeChunkBytes,
//                 at least items / kMaxAutoChunks (rounded up), at least 1;
//   at least items / most_chunks (rounded up) in a reduce, whose chunks need an accumulator each;
//   and if the static cost is known, at least the smaller of what fills kSmallChunkBytes and what
//   takes kCheapChunkNanoseconds. A job whose cost is not known is not taken for cheap.
//
// Requires: items and bytes_per_item are not negative.
// Errors: kInvalid for a chunk size below 1, or one that makes more than kMaxChunks chunks.
ChunkPlan plan_chunks(const ChunkDemand& demand, ChunkSize size);

}  // namespace gristmill::engine
