#include "engine/partials_plan.h"

#include <algorithm>
#include <cassert>
#include <span>

#include <gristmill/format.h>

#include "engine/chunk_plan.h"
#include "ipc/merge_tree.h"

namespace gristmill::engine {
namespace {

std::int64_t stride_of(std::int64_t accumulator_bytes, std::int64_t gap_bytes) {
  if (accumulator_bytes > INT64_MAX - kAccumulatorAlignment - gap_bytes) return accumulator_bytes;
  return (accumulator_bytes + gap_bytes + kAccumulatorAlignment - 1) / kAccumulatorAlignment *
         kAccumulatorAlignment;
}

}  // namespace

std::int64_t most_leaves(std::int64_t accumulator_bytes) {
  assert(accumulator_bytes > 0);
  return std::max(kPartialBytes / stride_of(accumulator_bytes, 0), kFewestLeaves);
}

ipc::Partials plan_partials(std::int64_t accumulator_bytes, std::uint32_t leaves, bool exact) {
  ipc::Partials partials;
  partials.accumulator_bytes = accumulator_bytes;
  partials.stride_bytes = stride_of(accumulator_bytes, exact ? kExactGapBytes : 0);
  partials.leaves = leaves;
  partials.fan_in = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
      kMergeBytes / stride_of(accumulator_bytes, 0), 2, std::int64_t{kWidestMerge}));
  partials.exact = exact;
  return partials;
}

std::int64_t size_bytes(const ipc::Partials& partials) {
  const ipc::MergeTree tree(partials.leaves, partials.fan_in);
  std::int64_t size = 0;
  return __builtin_mul_overflow(partials.stride_bytes, std::int64_t{tree.partials()}, &size)
             ? INT64_MAX
             : size;
}

std::shared_ptr<const PooledSegment> reserve_partials(const ipc::Partials& partials,
                                                      SegmentPool& pool) {
  const std::int64_t size = size_bytes(partials);
  const std::string what = format_count(partials.leaves) +
                           (partials.leaves == 1 ? " partial result of " : " partial results of ") +
                           format_size(partials.accumulator_bytes) + ", " + format_size(size) +
                           " in all";
  return pool.take_all(std::span(&size, 1), what).front();
}

}  // namespace gristmill::engine
