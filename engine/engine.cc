#include <gristmill/engine.h>

#include "engine/engine_core.h"

namespace gristmill {
namespace {

engine::WorkerLines lines_to(std::function<void(int worker, std::string_view line)> worker_output) {
  if (!worker_output) return engine::lines_to_stderr();
  return {.take = std::move(worker_output)};
}

}  // namespace

Engine::Engine(EngineOptions options)
    : core_(EngineCore::start(options, lines_to(std::move(options.worker_output)))) {}

Engine::~Engine() = default;

Job Engine::submit(JobSpec spec) { return core_->submit(std::move(spec)); }

Job Engine::submit_in_memory(const Dataset& file) { return core_->submit_in_memory(file); }

Dataset Engine::in_memory(const Dataset& data) {
  if (data.is_in_memory()) return data;
  // The rows of a scalar cannot be shared out.
  if (data.shape().empty()) return Dataset::copy_of(data.view());
  return submit_in_memory(data).wait().dataset();
}

Dataset Engine::copy_of(const ArrayView& array) { return core_->copy_of(array); }

JobPlan Engine::plan(JobSpec spec) { return core_->plan(std::move(spec)); }
std::vector<KernelInfo> Engine::kernels() { return core_->planner().kernels(); }
KernelInfo Engine::kernel(const std::string& name) { return core_->planner().kernel(name); }
int Engine::workers() const { return core_->workers(); }

std::string version() { return GRISTMILL_VERSION; }

}  // namespace gristmill
