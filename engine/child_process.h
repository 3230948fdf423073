#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/worker_launcher.h"
#include "ipc/unique_fd.h"

namespace gristmill::engine {

// The descriptor at which a started process finds its end of a channel.
inline constexpr int kChannelFd = 3;

// What is executed.
struct Program {
  std::string path;  // absolute
  std::vector<std::string> arguments = {};
};

// Reading, which does not block, and writing end of what a worker writes to stdout and stderr.
struct OutputPipe {
  ipc::UniqueFd reading;
  ipc::UniqueFd writing;

  // Errors: kResources.
  OutputPipe();

 private:
  [[noreturn]] static void fail();
};

// Starts a program by posix_spawn: its cost does not depend on the size of the caller. It inherits
// stdin, its channel (descriptor 3), no signal mask, and the caller's environment with BLAS and
// OpenMP limited to one thread. Its stdout and stderr are the pipe; without one, those of the
// caller.
// Errors: kResources when the system refuses a process; kInvalid when there is no program.
std::unique_ptr<WorkerProcess> start_process(const Program& program, int channel_fd,
                                             OutputPipe* output);

}  // namespace gristmill::engine
