#pragma once

#include <functional>

#include "engine/thread_launcher.h"
#include "ipc/worker_link.h"

namespace gristmill::test {

// Workers on threads, whose words a test may say itself.
class ThreadLauncher : public engine::ThreadLauncher {
 public:
  // As the engine's, from the setup on.
  using Body = std::function<void(int number, ipc::WorkerLink link)>;

  ThreadLauncher() = default;
  explicit ThreadLauncher(Body body);

  // What workers::Worker does.
  static void run_worker(int number, ipc::WorkerLink link);
};

}  // namespace gristmill::test
