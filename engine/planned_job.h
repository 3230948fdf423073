#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/job.h>

#include "engine/chunk_plan.h"
#include "engine/output.h"
#include "engine/segment_pool.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// A job that was checked and planned: all that workers must be told.
struct PlannedJob {
  JobPlan plan;
  ChunkPlan chunks;
  ipc::KernelRequest request;
  std::vector<ipc::ArraySpec> output_specs;                   // all outputs of the kernel
  std::vector<std::optional<Dataset>> inputs;                 // as the kernel declares them
  std::vector<std::optional<std::size_t>> plan_output_index;  // kernel's output -> plan.outputs
  std::vector<std::shared_ptr<OutputArray>> outputs;     // as plan.outputs; empty: not reserved
  std::optional<ipc::Partials> partials;                 // of a reduce; not placed
  std::shared_ptr<const PooledSegment> partials_memory;  // null: not reserved
  bool replace_existing = true;
};

}  // namespace gristmill::engine
