#pragma once

#include <cstdint>
#include <vector>

#include "engine/job_control.h"
#include "engine/planned_job.h"
#include "engine/worker_pool.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// What a worker is told to open a job.
struct OpenMessage {
  ipc::OpenJob message;
  std::vector<int> fds;  // the placements' descriptors, open as long as the job is
};

// For the worker of that slot, in its life of that number; notes what the worker will map.
OpenMessage open_message(const PlannedJob& job, std::uint32_t number, const JobControl& control,
                         WorkerPool& pool, std::uint32_t slot, std::uint32_t life);

}  // namespace gristmill::engine
