#include "engine/worker_launcher.h"

#include <poll.h>

#include <algorithm>
#include <cstring>

#include "ipc/test_point.h"

namespace gristmill::engine {

std::string WorkerExit::in_words() const {
  if (!known) return "ended for an unknown reason";
  if (signal == 0) return "ended with exit code " + std::to_string(code);
  const char* name = sigabbrev_np(signal);
  return "was killed by " +
         (name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal));
}

StartedWorker start_worker(WorkerLauncher& launcher) {
  ipc::CoordinatorLink::Created created =
      ipc::CoordinatorLink::create(launcher.memory_limit_bytes());
  GRISTMILL_TEST_POINT("coordinator-before-launch");
  std::unique_ptr<WorkerProcess> process = launcher.launch(std::move(created.worker_end));
  return {std::move(created.link), std::move(process)};
}

void end_workers(std::vector<StartedWorker> workers) {
  GRISTMILL_TEST_POINT("coordinator-before-hang-up");
  for (StartedWorker& worker : workers) worker.link.hang_up();
  GRISTMILL_TEST_POINT("coordinator-after-hang-up");
  const auto deadline = std::chrono::steady_clock::now() + kEndLimit;
  for (const StartedWorker& worker : workers) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd exit{worker.process->exit_fd(), POLLIN, 0};
    poll(&exit, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  }
  GRISTMILL_TEST_POINT("coordinator-before-end-kills");
  // Killed before the first is waited for.
  for (const StartedWorker& worker : workers) worker.process->kill();
}

}  // namespace gristmill::engine
