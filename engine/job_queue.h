#pragma once

#include <cstdint>
#include <memory>

#include <gristmill/dataset.h>
#include <gristmill/job.h>

#include "engine/coordinator.h"
#include "engine/planned_job.h"
#include "engine/segment_pool.h"
#include "engine/worker_launcher.h"

namespace gristmill::engine {

// Limits as in EngineOptions. Errors: kInvalid for those that are none.
SegmentPool::Limits memory_limits(std::int64_t memory_bytes, std::int64_t cache_bytes);

// Planned jobs on their way to workers: reserves what they need and hands them to a coordinator.
// Owns: the coordinator with its workers, and the pool of the jobs' memory.
// Threads and processes: safe from any thread.
class JobQueue {
 public:
  // Errors: as Coordinator.
  JobQueue(std::unique_ptr<WorkerLauncher> launcher, int workers, SegmentPool::Limits limits,
           WorkerLines lines);

  // Errors: kResources when its outputs cannot be reserved.
  Job submit(PlannedJob job);
  // A copy for jobs to read, in memory of the pool, which is used again when the last of them has
  // ended; sealed memory of its own if the pool has a limit.
  // Errors: kResources; kInvalid when a byte of it cannot be read.
  Dataset copy_of(const ArrayView& array);
  // As Coordinator.
  StartedWorker start_extra_worker() { return coordinator_.start_extra_worker(); }
  int workers() const { return workers_; }

 private:
  const int workers_;
  const std::shared_ptr<SegmentPool> segments_;
  Coordinator coordinator_;
};

}  // namespace gristmill::engine
