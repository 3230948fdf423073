#include "engine/engine_core.h"

namespace gristmill {

EngineCore::EngineCore(std::unique_ptr<engine::WorkerLauncher> launcher, int workers,
                       const std::vector<std::string>& plugins, std::int64_t memory_bytes,
                       std::int64_t cache_bytes, engine::WorkerLines lines)
    : jobs_(std::move(launcher), workers, engine::memory_limits(memory_bytes, cache_bytes),
            std::move(lines)),
      planner_([this] { return jobs_.start_extra_worker(); }),
      job_planner_(planner_, plugins, workers),
      built_in_planner_(planner_, {plugins.back()}, workers) {
  planner_.warm_up();
}

Job EngineCore::submit(JobSpec spec) { return jobs_.submit(job_planner_.plan(std::move(spec))); }

Job EngineCore::submit_in_memory(const Dataset& file) {
  try {
    return jobs_.submit(built_in_planner_.plan({.kernel = "copy", .inputs = {{"array", file}}}));
  } catch (const Error& error) {
    const std::string name = file.path().empty() ? "a dataset" : "\"" + file.path().string() + "\"";
    throw Error(error.code(), {"could not place " + name + " in memory: " + error.message(),
                               error.detail(), error.hint()});
  }
}

JobPlan EngineCore::plan(JobSpec spec) { return job_planner_.plan(std::move(spec)).plan; }

}  // namespace gristmill
