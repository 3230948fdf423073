#include <gristmill/engine.h>

#include "engine/engine_core.h"
#include "engine/process_launcher.h"
#include "engine/thread_launcher.h"
#include "ipc/regular_file.h"

namespace gristmill {
namespace {

constexpr const char* kBuiltInKernels = "gristmill-kernels.so";

int worker_count(int asked_for) {
  if (asked_for == 0) return usable_cpus();
  if (asked_for < 0 || asked_for > kMaxWorkers) {
    throw Error(ErrorCode::kInvalid,
                {"cannot start " + std::to_string(asked_for) + " workers: 1 to " +
                     std::to_string(kMaxWorkers) + " are possible",
                 {},
                 "More workers than CPUs are rarely of use; this process may use " +
                     std::to_string(usable_cpus()) + "."});
  }
  return asked_for;
}

std::vector<std::string> plugin_paths(const EngineOptions& options,
                                      const std::filesystem::path& worker_program) {
  std::vector<std::string> paths;
  for (const std::filesystem::path& plugin : options.plugins) {
    ipc::open_regular_file(plugin);
    paths.push_back(std::filesystem::absolute(plugin).string());
  }
  paths.push_back((worker_program.parent_path() / kBuiltInKernels).string());
  return paths;
}

engine::WorkerLines lines_to(std::function<void(int worker, std::string_view line)> worker_output) {
  if (!worker_output) return engine::lines_to_stderr();
  return {.take = std::move(worker_output)};
}

}  // namespace

Engine::Engine(EngineOptions options) {
  const int workers = worker_count(options.workers);
  if (options.worker_memory_bytes < 0) {
    throw Error(ErrorCode::kInvalid, "the memory limit of a worker is negative");
  }
  const std::filesystem::path program =
      engine::find_worker_program(options.worker_program, options.installed_worker);
  const std::vector<std::string> plugins = plugin_paths(options, program);
  std::unique_ptr<engine::WorkerLauncher> launcher;
  if (options.in_process) {
    launcher = std::make_unique<engine::ThreadLauncher>();
  } else {
    launcher = std::make_unique<engine::ProcessLauncher>(engine::Program{program.string()},
                                                         options.worker_memory_bytes);
  }
  core_ =
      std::make_unique<EngineCore>(std::move(launcher), workers, plugins, options.memory_bytes,
                                   options.cache_bytes, lines_to(std::move(options.worker_output)));
}

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
