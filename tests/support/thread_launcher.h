#pragma once

#include <functional>
#include <memory>

#include "engine/worker_launcher.h"

namespace gristmill::test {

// Runs workers on threads of this process: the coordinator and the workers' loop under one
// sanitizer. Such a worker cannot be killed in the middle of a chunk: a kill takes its channel
// away, so that it ends after what it is doing.
class ThreadLauncher : public engine::WorkerLauncher {
 public:
  // What the number-th worker that was started does; the last of an engine's first workers is its
  // planner.
  using Body = std::function<void(int number, ipc::WorkerLink link)>;

  ThreadLauncher();
  explicit ThreadLauncher(Body body) : body_(std::move(body)) {}
  std::unique_ptr<engine::WorkerProcess> launch(ipc::Channel worker_end) override;

  // What workers::Worker does.
  static void run_worker(int number, ipc::WorkerLink link);

 private:
  Body body_;
  int launched_ = 0;
};

}  // namespace gristmill::test
