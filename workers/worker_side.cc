#include "ipc/worker_side.h"

#include <optional>
#include <utility>

#include "ipc/test_point.h"
#include "workers/shared_object_host.h"
#include "workers/worker.h"

namespace gristmill::ipc {

void run_worker(Channel end) {
  GRISTMILL_TEST_POINT("before-link");
  auto link = WorkerLink::open(std::move(end));
  if (link) workers::Worker(std::move(*link), workers::shared_object_hosts()).run();
}

}  // namespace gristmill::ipc
