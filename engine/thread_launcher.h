#pragma once

#include <functional>
#include <memory>

#include "engine/worker_launcher.h"

namespace gristmill::engine {

// Runs workers on threads of this process, for debuggers, sanitizers and profilers. The threads are
// called gm-worker-0, gm-worker-1 and so on, and take no signals but those that a debugger, a
// sanitizer or a profiler waits for. Such a worker cannot be killed in the middle of a chunk: a
// kill takes its channel away, so that it ends after what it is doing; a crash takes the process.
class ThreadLauncher : public WorkerLauncher {
 public:
  // What the number-th worker that was started does at its end of the channel; the last of an
  // engine's first workers is its planner. An exception ends that worker as a broken protocol does.
  using Body = std::function<void(int number, ipc::Channel worker_end)>;

  // Workers as ipc/worker_side.h has them.
  ThreadLauncher();
  explicit ThreadLauncher(Body body) : body_(std::move(body)) {}
  // Errors: kResources when the system refuses a thread.
  std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) override;

 private:
  Body body_;
  int launched_ = 0;
};

}  // namespace gristmill::engine
