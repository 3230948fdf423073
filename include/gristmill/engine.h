#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/dataset.h>
#include <gristmill/error.h>
#include <gristmill/installation.h>
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
  // ../libexec/gristmill as seen from there, or installed_worker. Never looked for through PATH.
  std::filesystem::path worker_program = {};
  // How much memory outputs in memory, partial results, datasets of in_memory() and what is kept of
  // ended jobs may take together; what does not fit is refused before anything is allocated. It is
  // given out in steps of 2 MiB. Datasets that the program places itself (Dataset::create, copy_of)
  // do not count. 0: as much as the system has available.
  std::int64_t memory_bytes = 0;
  // Memory of ended jobs that is kept for the next ones, while nobody uses it; it is freed after
  // ten seconds, or when the system is short of memory. -1: a quarter of memory_bytes, or of the
  // memory that is available when the engine starts, whichever is less.
  std::int64_t cache_bytes = -1;
  // How much data of its own a worker may have, beside the arrays of jobs: what its kernels
  // allocate. A kernel that asks for more is refused (RLIMIT_DATA); a worker that has more in one
  // chunk is killed, as if it had died there; one that has three quarters of it between two chunks
  // is replaced. 0: no limit. Without effect in_process.
  std::int64_t worker_memory_bytes = 0;
  // Where the worker program is looked for last: in the installation with whose headers the calling
  // program was compiled. Not used if it is not absolute.
  std::filesystem::path installed_worker = GRISTMILL_INSTALLED_WORKER;
  // Run the workers, and the one that plans, on threads of this process instead of in processes of
  // their own: for debuggers, sanitizers and profilers, see docs/debugging.md. The same bits. A
  // kernel's crash then ends this process, and one that never returns keeps its job and the engine
  // from ending: a thread cannot be killed. What a plug-in keeps in globals is shared by all
  // workers.
  bool in_process = false;
  // Takes each line that a worker process writes to stdout or stderr, without its end; worker is -1
  // for the one that plans. Control characters are spaces; of lines longer than 1,000 bytes the
  // rest is "...". Called on the engine's thread, so it must not call the engine, wait, or throw; a
  // worker that writes faster than its lines are taken waits. Empty: lines go to stderr as
  // "gristmill: worker 3: text". Not used in_process.
  std::function<void(int worker, std::string_view line)> worker_output = {};
};

// CPUs this process may use: its affinity, limited by the cgroup's quota rounded up; 1 to 4096.
int usable_cpus();

// The library's version, "0.1.0".
std::string version();

// Workers, in processes of their own, and the coordinator that feeds them.
// Owns: the workers and one thread. Touches no signal handlers, and prints nothing but what workers
// print (EngineOptions::worker_output).
// Threads and processes: safe to use from any thread. Jobs run one at a time, in order of
// submission. Lifetime: the destructor cancels what still runs and ends the workers; Results stay
// valid. Errors: kInvalid for a worker count outside 1 to 4096 or a missing plug-in file;
// kResources when no worker could be started; when some could, these do the work, and each job
// tries to start the others. Cost: milliseconds; about one for each worker.
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

  // The array of a file in memory, copied once by all workers in parallel over its rows; each keeps
  // its part mapped, so that the next job finds it warm. The memory counts for memory_bytes and is
  // shared with whoever has the dataset. What is in memory already is returned as it is, nothing
  // copied. Errors: kResources, with both numbers, when there is no memory for it; kFailed when the
  // file changed meanwhile. Cost: about that of reading the file once.
  Dataset in_memory(const Dataset& data);
  // The same as a job, to show its progress or cancel it: wait().dataset() is the array.
  // Errors: as in_memory(); kInvalid for a scalar.
  Job submit_in_memory(const Dataset& file);

  // A copy of an array for jobs of this engine to read. Unlike Dataset::copy_of it lies in memory
  // that the engine uses again, so nothing has to be zeroed for the next one; like results, it is
  // read-only by a promise of our processes and not by the kernel. With a limit of memory_bytes,
  // which is for what jobs write, it is Dataset::copy_of. Errors: as that.
  Dataset copy_of(const ArrayView& array);

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
