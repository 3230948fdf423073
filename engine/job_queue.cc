#include "engine/job_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <string>

#include "engine/checked_copy.h"
#include "engine/dataset_storage.h"
#include "engine/memory_output.h"
#include "engine/output.h"
#include "engine/partials_plan.h"
#include "engine/reservation.h"
#include "engine/sealed_copy.h"

namespace gristmill::engine {

SegmentPool::Limits memory_limits(std::int64_t memory_bytes, std::int64_t cache_bytes) {
  if (memory_bytes < 0) {
    throw Error(ErrorCode::kInvalid, "the memory limit is negative");
  }
  if (cache_bytes < -1) {
    throw Error(ErrorCode::kInvalid, "the cache limit is negative");
  }
  if (cache_bytes < 0) {
    cache_bytes = available_memory_bytes("/").value_or(0) / 4;
    if (memory_bytes > 0) cache_bytes = std::min(cache_bytes, memory_bytes / 4);
  }
  return {.cache_bytes = cache_bytes, .memory_bytes = memory_bytes};
}

JobQueue::JobQueue(std::unique_ptr<WorkerLauncher> launcher, int workers,
                   SegmentPool::Limits limits, WorkerLines lines)
    : workers_(workers),
      segments_(std::make_shared<SegmentPool>(limits)),
      coordinator_(std::move(launcher), workers, segments_, std::move(lines)) {}

Job JobQueue::submit(PlannedJob job) {
  if (job.partials) job.partials_memory = reserve_partials(*job.partials, *segments_);
  if (job.plan.pattern == Pattern::kEmit) {
    job.emit = reserve_rows(job, segments_);
  } else {
    job.outputs = reserve_outputs(job.plan.outputs, job.replace_existing, *segments_);
  }
  return coordinator_.submit(std::move(job));
}

Dataset JobQueue::copy_of(const ArrayView& array) {
  const std::int64_t size_bytes = array.size_bytes();
  // A limit is for what jobs write: a copy that took its room would have them refused.
  if (size_bytes == 0 || segments_->is_limited()) return Dataset::copy_of(array);
  const std::string what =
      fmt::format("a copy of {} x {}", to_string(array.shape()), name_of(array.dtype()));
  auto segment = segments_->take_all(std::span(&size_bytes, 1), what).front();
  const auto* const source = static_cast<const std::byte*>(array.data());
  fill_in_parts({segment->writable(), static_cast<std::size_t>(size_bytes)},
                [&](std::int64_t offset, std::span<std::byte> part) {
                  checked_copy(part, source + offset, what);
                });
  const auto copy =
      std::make_shared<MemoryOutput>("copy", array.dtype(), array.shape(), std::move(segment), 0);
  return Dataset(std::make_shared<const DatasetStorage>(copy));
}

}  // namespace gristmill::engine
