#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/dataset.h>
#include <gristmill/error.h>
#include <gristmill/job.h>
#include <gristmill/kernel_info.h>
#include <gristmill/result.h>

namespace gristmill {

class EngineCore;  // engine/engine_core.h

inline constexpr int kMaxWorkers = 4096;

struct EngineOptions {
  int workers = 0;  // 0: usable_cpus()
  // Kernel plug-ins beside the built-in ones, searched first.
  std::vector<std::filesystem::path> plugins = {};
  // The gristmill-worker program; empty: the GRISTMILL_WORKER variable, beside the calling program,
  // or libexec/gristmill of the installation. Never looked for through PATH.
  std::filesystem::path worker_program = {};
  // Memory of ended jobs that is kept for the next ones, while nobody uses it; it is freed after
  // ten seconds. -1: a quarter of the memory that is available when the engine starts.
  std::int64_t cache_bytes = -1;
};

// CPUs this process may use: its affinity, limited by the cgroup's quota rounded up; 1 to 4096.
int usable_cpus();

// The library's version, "0.1.0".
std::string version();

// Worker processes and the coordinator that feeds them.
// Owns: the workers and one thread. Neither prints nor touches signal handlers.
// Threads and processes: safe to use from any thread. Jobs run one at a time, in order of
// submission. Lifetime: the destructor cancels what still runs and ends the workers; Results stay
// valid. Errors: kInvalid for a worker count outside 1 to 4096 or a missing plug-in file;
// kResources when no worker could be started. Cost: milliseconds; about one for each
// worker.
class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Checks and plans the job, reserves its outputs and queues it. What happens to it from there on
  // is told by Job::wait(). Errors: kInvalid for what is wrong with the request, a kernel whose
  // code dies while it plans included; kResources when an output cannot be reserved.
  Job submit(JobSpec spec);

  // What submit() would do, without doing it. Errors: as submit(), but nothing is reserved.
  JobPlan plan(JobSpec spec);

  // All kernels, plug-ins first. Errors: kInvalid when a plug-in is refused.
  std::vector<KernelInfo> kernels();
  // One of them. Errors: kInvalid, with the nearest known name, when there is none.
  KernelInfo kernel(const std::string& name);

  int workers() const;

 private:
  std::unique_ptr<EngineCore> core_;
};

}  // namespace gristmill
