#include "engine/engine_core.h"

#include "engine/output.h"
#include "engine/partials_plan.h"
#include "engine/reservation.h"

namespace gristmill {
namespace {

std::int64_t cache_limit(std::int64_t asked_for) {
  if (asked_for >= 0) return asked_for;
  return engine::available_memory_bytes("/").value_or(0) / 4;
}

}  // namespace

EngineCore::EngineCore(std::unique_ptr<engine::WorkerLauncher> launcher, int workers,
                       std::vector<std::string> plugins, std::int64_t cache_bytes)
    : workers_(workers),
      segments_(std::make_shared<engine::SegmentPool>(cache_limit(cache_bytes))),
      coordinator_(std::move(launcher), workers, segments_),
      planner_([this] { return coordinator_.start_extra_worker(); }),
      job_planner_(planner_, std::move(plugins), workers) {
  planner_.warm_up();
}

Job EngineCore::submit(JobSpec spec) {
  engine::PlannedJob job = job_planner_.plan(std::move(spec));
  job.outputs = engine::reserve_outputs(job.plan.outputs, job.replace_existing, *segments_);
  if (job.partials) {
    job.partials_memory = engine::reserve_partials(*job.partials, *segments_);
  }
  return coordinator_.submit(std::move(job));
}

JobPlan EngineCore::plan(JobSpec spec) { return job_planner_.plan(std::move(spec)).plan; }

}  // namespace gristmill
