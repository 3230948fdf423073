#include "engine/job_queue.h"

#include <algorithm>

#include "engine/output.h"
#include "engine/partials_plan.h"
#include "engine/reservation.h"

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

}  // namespace gristmill::engine
