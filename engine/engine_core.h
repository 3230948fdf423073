#pragma once

#include <memory>

#include <gristmill/engine.h>

#include "engine/job_planner.h"
#include "engine/job_queue.h"
#include "engine/planner.h"

namespace gristmill {

// What an Engine is made of.
class EngineCore {
 public:
  // As Engine's constructor, whose errors it has; options.worker_output is not used.
  static std::unique_ptr<EngineCore> start(const EngineOptions& options, engine::WorkerLines lines);

  // plugins: absolute paths in the order in which they are searched; the built-in one is the last.
  // memory_bytes, cache_bytes: as in EngineOptions.
  EngineCore(std::unique_ptr<engine::WorkerLauncher> launcher, int workers,
             const std::vector<std::string>& plugins, std::int64_t memory_bytes = 0,
             std::int64_t cache_bytes = -1, engine::WorkerLines lines = {});

  Job submit(JobSpec spec);
  JobPlan plan(JobSpec spec);
  Job submit_in_memory(const Dataset& file);
  Dataset copy_of(const ArrayView& array) { return jobs_.copy_of(array); }
  engine::JobPlanner& planner() { return job_planner_; }
  int workers() const { return jobs_.workers(); }

 private:
  // Outlives the planner, whose worker is tied to the life of its thread.
  engine::JobQueue jobs_;
  engine::Planner planner_;
  engine::JobPlanner job_planner_;
  // Of the last plug-in alone: a kernel that users call "copy" is not ours.
  engine::JobPlanner built_in_planner_;
};

}  // namespace gristmill
