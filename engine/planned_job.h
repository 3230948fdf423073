#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/job.h>

#include "engine/chunk_plan.h"
#include "engine/emit_run.h"
#include "engine/output.h"
#include "engine/segment_pool.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// A job that was checked and planned: all that workers must be told.
struct PlannedJob {
  JobPlan plan;
  ChunkPlan chunks;
  ipc::KernelRequest request;
  ipc::IndexSpace space;
  std::uint32_t flags = 0;                                    // of the plan, as in kernel.h
  std::vector<ipc::ArraySpec> output_specs;                   // all outputs of the kernel
  std::vector<std::optional<Dataset>> inputs;                 // as the kernel declares them
  std::vector<std::optional<std::size_t>> plan_output_index;  // kernel's output -> plan.outputs
  std::vector<std::shared_ptr<OutputArray>> outputs;     // as plan.outputs; empty: not reserved
  std::optional<ipc::Partials> partials;                 // of a reduce; not placed
  std::shared_ptr<const PooledSegment> partials_memory;  // null: not reserved
  std::shared_ptr<EmitRun> emit;                         // of an emit; null: not reserved
  bool replace_existing = true;
  FaultPolicy faults;

  // For an ended job, of which handles may live on.
  void let_go_of_memory();
};

// What an emit job needs before it runs: its files, and a limit for its rows.
// Errors: of opening a file.
std::shared_ptr<EmitRun> reserve_rows(const PlannedJob& job, std::shared_ptr<SegmentPool> pool);

}  // namespace gristmill::engine
