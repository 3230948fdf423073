#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/job_run.h"
#include "engine/job_state.h"
#include "engine/worker_launcher.h"
#include "engine/worker_pool.h"

namespace gristmill::engine {

// The one thread that starts workers, watches them and runs jobs on them, one at a time in order of
// submission. It waits in epoll alone, and never on anything a worker controls.
// Owns: the thread and the worker pool.
// Threads and processes: all public functions are safe from any thread. The thread blocks all
// signals. Workers are tied to its life.
// Lifetime: the destructor cancels all jobs, waits until they have ended, and ends the workers.
// Errors: of the constructor: what WorkerLauncher::launch says, when no worker can be started.
class Coordinator {
 public:
  Coordinator(std::unique_ptr<WorkerLauncher> launcher, int workers,
              std::shared_ptr<SegmentPool> segments, WorkerLines lines = {});
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  Job submit(PlannedJob job);
  // A worker outside the pool, started by the coordinator's thread, which reads what it writes
  // until the next one is started. In lines its number is -1.
  StartedWorker start_extra_worker();

 private:
  void start_thread();
  void start_workers();
  void call_and_wait(const std::function<void()>& function);
  void post(std::function<void()> command);

  void run();
  bool turn();
  void run_commands();
  void step_jobs();
  void drop_cancelled();
  void keep_house();
  void forget_dead_memory();
  void watch_extra_output(ipc::UniqueFd pipe);
  bool output_waits() const;
  std::optional<std::chrono::milliseconds> wait_limit(bool more) const;

  std::unique_ptr<WorkerLauncher> launcher_;
  const std::uint32_t slots_;
  const WorkerLines lines_;
  const std::shared_ptr<SegmentPool> segments_;
  // Apart from the others: what is taken here without asking must not become an output's memory.
  const std::shared_ptr<SegmentPool> control_segments_;
  const std::shared_ptr<const ipc::Doorbell> bell_;

  std::mutex mutex_;
  std::vector<std::function<void()>> commands_;

  // The thread's own.
  std::unique_ptr<Epoll> epoll_;
  std::unique_ptr<WorkerPool> pool_;
  std::optional<WorkerOutput> extra_output_;
  std::deque<std::shared_ptr<JobState>> waiting_;
  std::unique_ptr<JobRun> running_;
  std::shared_ptr<JobState> running_state_;
  std::uint32_t last_job_ = 0;
  bool stopping_ = false;
  JobRun::Clock::time_point next_housekeeping_{};

  std::thread thread_;
};

}  // namespace gristmill::engine
