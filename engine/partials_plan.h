#pragma once

#include <cstdint>
#include <memory>

#include "engine/segment_pool.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// Accumulators lie at multiples of this: no two workers write the same pair of cache lines.
inline constexpr std::int64_t kAccumulatorAlignment = 128;
// In an exact merge all workers write theirs at the same time, and a CPU's prefetcher that follows
// a stride runs beyond the end: without a gap it takes the lines of the next one away.
inline constexpr std::int64_t kExactGapBytes = 256 * 1024;
// What automatic chunks may need for their partials, unless an accumulator is very large.
inline constexpr std::int64_t kPartialBytes = std::int64_t{256} << 20;
// There are as many chunks however large the accumulator is: a job must be able to run in parallel.
inline constexpr std::int64_t kFewestLeaves = 16;
// A merge reads about so much, from at most kWidestMerge partials.
inline constexpr std::int64_t kMergeBytes = std::int64_t{1} << 20;
inline constexpr std::uint32_t kWidestMerge = 4096;

// How the partials of a reduce are laid out and merged: functions of the accumulator's size and the
// constants above alone, but for an exact merge, whose result does not depend on it.

// The most chunks that auto may make. Requires: accumulator_bytes > 0.
std::int64_t most_leaves(std::int64_t accumulator_bytes);

// Without its placement. Requires: accumulator_bytes > 0.
ipc::Partials plan_partials(std::int64_t accumulator_bytes, std::uint32_t leaves, bool exact);

// What all of them take; INT64_MAX if that is more than any memory.
std::int64_t size_bytes(const ipc::Partials& partials);

// Errors: kResources when there is no memory for it, with both numbers.
std::shared_ptr<const PooledSegment> reserve_partials(const ipc::Partials& partials,
                                                      SegmentPool& pool);

}  // namespace gristmill::engine
