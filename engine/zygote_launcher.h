#pragma once

#include <memory>

#include "engine/child_process.h"
#include "engine/worker_launcher.h"

namespace gristmill::engine {

class Zygote;

// Starts workers by asking a zygote (ipc/zygote.h) to fork them: for programs that take long to
// load what a worker needs. Where the zygote does not take a request, or must not fork because what
// it loaded started threads, workers are started as programs.
// Threads and processes: one thread, which must outlive the zygote and the workers.
class ZygoteLauncher : public WorkerLauncher {
 public:
  // zygote is started with the first worker, and again when it has died; it writes to this
  // process's stdout and stderr. worker: a program that is a worker itself.
  ZygoteLauncher(Program zygote, Program worker, std::int64_t memory_limit_bytes = 0);
  ~ZygoteLauncher() override;

  // Does not wait for the zygote: the process id of the worker is known, and its death seen, when
  // reap() was asked after it was forked.
  std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) override;
  std::int64_t memory_limit_bytes() const override { return memory_limit_bytes_; }

 private:
  const Program zygote_program_;
  const Program worker_program_;
  const std::int64_t memory_limit_bytes_;
  std::shared_ptr<Zygote> zygote_;
  bool zygote_has_threads_ = false;
};

}  // namespace gristmill::engine
