#pragma once

#include <sys/types.h>

#include <functional>

#include "ipc/unique_fd.h"

namespace gristmill::workers {

// What a forked worker has: its end of the channel, and of the pipe that takes its output. The life
// must stay open until the process ends.
struct ForkedWorkerFds {
  ipc::UniqueFd channel;
  ipc::UniqueFd output;
  ipc::UniqueFd life;
};

// Forks a worker at each request on the socket, watches them, and tells the coordinator how they
// ended (ipc/zygote.h). Returns in each worker, and never in the zygote, which ends when the
// coordinator is gone, or with kZygoteHasThreads rather than fork while it has other threads.
// fork_worker: as fork(), with what a runtime has to do before and after it.
ForkedWorkerFds run_zygote(ipc::UniqueFd socket, const std::function<pid_t()>& fork_worker);

}  // namespace gristmill::workers
