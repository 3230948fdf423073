#include <unistd.h>

#include <cstdio>
#include <utility>

#include "ipc/worker_side.h"
#include "workers/worker_process.h"
#include "workers/zygote.h"

// A zygote whose workers do what gristmill-worker does.
int main() {
  using namespace gristmill;
  workers::die_with_coordinator(workers::kChannelFd);
  workers::ForkedWorkerFds worker =
      workers::run_zygote(ipc::UniqueFd(workers::kChannelFd), [] { return fork(); });
  dup2(worker.output.get(), STDOUT_FILENO);
  std::puts("forked");
  std::fflush(stdout);
  ipc::run_worker(ipc::Channel(std::move(worker.channel)));
}
