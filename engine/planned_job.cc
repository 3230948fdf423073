#include "engine/planned_job.h"

namespace gristmill::engine {

void PlannedJob::let_go_of_memory() {
  inputs.clear();
  outputs.clear();
  partials_memory.reset();
  emit.reset();
}

std::shared_ptr<EmitRun> reserve_rows(const PlannedJob& job, std::shared_ptr<SegmentPool> pool) {
  std::vector<EmitRun::Output> outputs(job.plan.outputs.size());
  for (std::size_t i = 0; i < job.plan_output_index.size(); ++i) {
    const auto& index = job.plan_output_index[i];
    if (!index) continue;
    const JobPlan::OutputPlan& plan = job.plan.outputs[*index];
    outputs[*index] = {plan.name, job.output_specs[i], plan.path, i};
  }
  return std::make_shared<EmitRun>(std::move(outputs), job.plan_output_index.size(),
                                   job.replace_existing, std::move(pool));
}

}  // namespace gristmill::engine
