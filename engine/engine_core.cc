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

}  // namespace

std::unique_ptr<EngineCore> EngineCore::start(const EngineOptions& options,
                                              engine::WorkerLines lines) {
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
  return std::make_unique<EngineCore>(std::move(launcher), workers, plugins, options.memory_bytes,
                                      options.cache_bytes, std::move(lines));
}

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
