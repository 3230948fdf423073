#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/worker_launcher.h"

namespace gristmill::engine {

// Starts the gristmill-worker program by posix_spawn: its cost does not depend on the size of the
// caller. The worker inherits stdin, its channel (descriptor 3), no signal mask, and the caller's
// environment with BLAS and OpenMP limited to one thread. Its stdout and stderr are one pipe.
class ProcessLauncher : public WorkerLauncher {
 public:
  // memory_limit_bytes: of each worker's own data; 0: none.
  explicit ProcessLauncher(std::filesystem::path program, std::int64_t memory_limit_bytes = 0);
  std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) override;
  std::int64_t memory_limit_bytes() const override { return memory_limit_bytes_; }

 private:
  std::string program_;
  std::int64_t memory_limit_bytes_;
};

// `asked_for` if not empty; else GRISTMILL_WORKER; else beside the calling program; else
// ../libexec/gristmill as seen from there; else `installed`, if it is absolute.
// Errors: kInvalid, naming what was looked for.
std::filesystem::path find_worker_program(const std::filesystem::path& asked_for,
                                          const std::filesystem::path& installed);

}  // namespace gristmill::engine
