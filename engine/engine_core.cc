#include "engine/engine_core.h"

#include <algorithm>

#include "engine/output.h"
#include "engine/partials_plan.h"
#include "engine/reservation.h"

namespace gristmill {
namespace {

engine::SegmentPool::Limits pool_limits(std::int64_t memory_bytes, std::int64_t cache_bytes) {
  if (memory_bytes < 0) {
    throw Error(ErrorCode::kInvalid, "the memory limit is negative");
  }
  if (cache_bytes < -1) {
    throw Error(ErrorCode::kInvalid, "the cache limit is negative");
  }
  if (cache_bytes < 0) {
    cache_bytes = engine::available_memory_bytes("/").value_or(0) / 4;
    if (memory_bytes > 0) cache_bytes = std::min(cache_bytes, memory_bytes / 4);
  }
  return {.cache_bytes = cache_bytes, .memory_bytes = memory_bytes};
}

}  // namespace

EngineCore::EngineCore(std::unique_ptr<engine::WorkerLauncher> launcher, int workers,
                       const std::vector<std::string>& plugins, std::int64_t memory_bytes,
                       std::int64_t cache_bytes, engine::WorkerLines lines)
    : workers_(workers),
      segments_(std::make_shared<engine::SegmentPool>(pool_limits(memory_bytes, cache_bytes))),
      coordinator_(std::move(launcher), workers, segments_, std::move(lines)),
      planner_([this] { return coordinator_.start_extra_worker(); }),
      job_planner_(planner_, plugins, workers),
      built_in_planner_(planner_, {plugins.back()}, workers) {
  planner_.warm_up();
}

Job EngineCore::submit(JobSpec spec) { return submit(job_planner_.plan(std::move(spec))); }

Job EngineCore::submit(engine::PlannedJob job) {
  if (job.partials) job.partials_memory = engine::reserve_partials(*job.partials, *segments_);
  if (job.plan.pattern == Pattern::kEmit) {
    job.emit = engine::reserve_rows(job, segments_);
  } else {
    job.outputs = engine::reserve_outputs(job.plan.outputs, job.replace_existing, *segments_);
  }
  return coordinator_.submit(std::move(job));
}

Job EngineCore::submit_in_memory(const Dataset& file) {
  try {
    return submit(built_in_planner_.plan({.kernel = "copy", .inputs = {{"array", file}}}));
  } catch (const Error& error) {
    const std::string name = file.path().empty() ? "a dataset" : "\"" + file.path().string() + "\"";
    throw Error(error.code(), {"could not place " + name + " in memory: " + error.message(),
                               error.detail(), error.hint()});
  }
}

JobPlan EngineCore::plan(JobSpec spec) { return job_planner_.plan(std::move(spec)).plan; }

}  // namespace gristmill
