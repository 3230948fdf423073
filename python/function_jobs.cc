#include "python/function_jobs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <gristmill/error.h>
#include <gristmill/kernel.h>

#include "engine/dataset_storage.h"
#include "engine/output_target.h"
#include "ipc/fill_element.h"

namespace gristmill::python {
namespace {

// Of the engine's messages: the function is an input, too.
constexpr std::size_t kMostInputs = 63;

ipc::ArraySpec spec_of(const Dataset& data) { return {data.dtype(), data.shape()}; }

void check_outputs(const FunctionJob& job) {
  std::vector<Output> targets;
  std::vector<engine::FileId> files;
  for (const auto& output : job.outputs) targets.push_back({output.name, output.path});
  for (const Dataset& input : job.inputs) {
    if (const auto& id = input.storage()->file_id()) files.push_back(*id);
  }
  engine::check_output_targets(targets, /*replace_existing=*/true, files);
  for (const auto& output : job.outputs) {
    if (job.pattern != Pattern::kMap || ipc::fill_element(output.dtype, job.faults.fill)) continue;
    throw Error(ErrorCode::kInvalid, "the fill value is no " + std::string(name_of(output.dtype)) +
                                         ", as the result has them");
  }
}

void check_faults(const FaultPolicy& faults) {
  if (faults.retries < 0) throw Error(ErrorCode::kInvalid, "the number of retries is negative");
  if (faults.chunk_timeout.count() < 0 || faults.stopped_timeout.count() < 0) {
    throw Error(ErrorCode::kInvalid, "a timeout is negative");
  }
}

}  // namespace

engine::PlannedJob plan_function_job(const FunctionJob& job, int workers) {
  if (job.inputs.size() > kMostInputs) {
    throw Error(ErrorCode::kInvalid, "a function can have at most 63 arrays");
  }
  check_faults(job.faults);
  check_outputs(job);
  engine::PlannedJob planned;
  planned.chunks = engine::plan_chunks({.items = job.items, .bytes_per_item = job.bytes_per_item},
                                       job.chunk_size);
  planned.request = {kFunctionPlugin, 0, job.name, {spec_of(job.function)}, {}, {}};
  planned.inputs = {job.function};
  for (const Dataset& input : job.inputs) {
    planned.request.inputs.emplace_back(spec_of(input));
    planned.inputs.emplace_back(input);
  }
  planned.flags = job.overwrites_output ? GM_OVERWRITES_OUTPUT : 0;
  planned.faults = job.faults;
  JobPlan& plan = planned.plan;
  for (std::size_t i = 0; i < job.outputs.size(); ++i) {
    JobPlan::OutputPlan output = job.outputs[i];
    const auto size = size_bytes(output.dtype, output.shape);
    if (!size)
      throw Error(ErrorCode::kInvalid,
                  "the result cannot have the shape " + to_string(output.shape));
    output.size_bytes = *size;
    plan.reserved_bytes += *size;
    planned.output_specs.push_back({output.dtype, output.shape});
    planned.plan_output_index.emplace_back(i);
    planned.request.outputs_wanted.push_back(true);
    plan.outputs.push_back(std::move(output));
  }
  plan.kernel = job.name;
  plan.pattern = job.pattern;
  plan.plugin = kFunctionPlugin;
  plan.index_space = "range";
  plan.items = job.items;
  plan.bytes_per_item = job.bytes_per_item;
  plan.chunk_items = planned.chunks.chunk_items;
  plan.chunks = planned.chunks.chunks;
  plan.chunk_rule = planned.chunks.rule;
  plan.workers = static_cast<int>(std::min<std::int64_t>(workers, plan.chunks));
  for (const Dataset& input : job.inputs) plan.mapped_bytes += input.size_bytes();
  return planned;
}

}  // namespace gristmill::python
