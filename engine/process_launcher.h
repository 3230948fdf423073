#pragma once

#include <filesystem>
#include <memory>

#include "engine/child_process.h"
#include "engine/worker_launcher.h"

namespace gristmill::engine {

// Starts each worker as a process of its own: gristmill-worker, or another program that does what
// that does.
class ProcessLauncher : public WorkerLauncher {
 public:
  // memory_limit_bytes: of each worker's own data; 0: none.
  explicit ProcessLauncher(Program program, std::int64_t memory_limit_bytes = 0);
  std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) override;
  std::int64_t memory_limit_bytes() const override { return memory_limit_bytes_; }

 private:
  Program program_;
  std::int64_t memory_limit_bytes_;
};

// `asked_for` if not empty; else GRISTMILL_WORKER; else beside the calling program; else
// ../libexec/gristmill as seen from there; else `installed`, if it is absolute.
// Errors: kInvalid, naming what was looked for.
std::filesystem::path find_worker_program(const std::filesystem::path& asked_for,
                                          const std::filesystem::path& installed);

}  // namespace gristmill::engine
