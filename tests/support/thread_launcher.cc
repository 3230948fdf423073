#include "tests/support/thread_launcher.h"

#include <utility>

#include "workers/shared_object_host.h"
#include "workers/worker.h"

namespace gristmill::test {

ThreadLauncher::ThreadLauncher(Body body)
    : engine::ThreadLauncher([body = std::move(body)](int number, ipc::Channel worker_end) {
        auto link = ipc::WorkerLink::open(std::move(worker_end));
        if (link) body(number, std::move(*link));
      }) {}

void ThreadLauncher::run_worker(int, ipc::WorkerLink link) {
  workers::Worker(std::move(link), workers::shared_object_hosts()).run();
}

}  // namespace gristmill::test
