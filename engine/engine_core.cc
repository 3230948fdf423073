#include "engine/engine_core.h"

#include "engine/output.h"

namespace gristmill {

EngineCore::EngineCore(std::unique_ptr<engine::WorkerLauncher> launcher, int workers,
                       std::vector<std::string> plugins)
    : workers_(workers),
      coordinator_(std::move(launcher), workers),
      planner_([this] { return coordinator_.start_extra_worker(); }),
      job_planner_(planner_, std::move(plugins), workers) {
  planner_.warm_up();
}

Job EngineCore::submit(JobSpec spec) {
  engine::PlannedJob job = job_planner_.plan(std::move(spec));
  for (auto& output : engine::reserve_outputs(job.plan.outputs, job.replace_existing)) {
    job.outputs.push_back(std::move(output));
  }
  return coordinator_.submit(std::move(job));
}

JobPlan EngineCore::plan(JobSpec spec) { return job_planner_.plan(std::move(spec)).plan; }

}  // namespace gristmill
