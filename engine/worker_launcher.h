#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/unique_fd.h"
#include "ipc/worker_link.h"

namespace gristmill::engine {

// How a worker ended.
struct WorkerExit {
  int signal = 0;     // 0: it ended by itself
  int code = 0;       // its exit code then
  bool known = true;  // false: the embedding program ignores or reaps children itself
  // What the system counted. All 0: not known, or a worker on a thread. The peak is 0, too, if it
  // was less than that of the calling program when the worker was started.
  std::int64_t peak_bytes = 0;
  std::chrono::microseconds cpu_time{0};
  std::chrono::microseconds life_time{0};  // until reap() saw its end

  // "was killed by SIGSEGV", "ended with exit code 3", "ended for an unknown reason".
  std::string in_words() const;
};

// A process that has not ended so long after its SIGKILL is in an uninterruptible sleep: it runs no
// instruction any more, but the system call that it is in may still write its memory.
inline constexpr std::chrono::milliseconds kKillLimit{10'000};
// A job whose only chunks left are in such processes fails after that time.
inline constexpr std::chrono::milliseconds kLostLimit{60'000};

// A started worker.
// Owns: the worker; destroying it kills the worker and waits for its end, but not beyond kKillLimit
// after the first kill: then the process is left to the system.
class WorkerProcess {
 public:
  virtual ~WorkerProcess() = default;
  // Readable once the worker has ended, and not before.
  virtual int exit_fd() const = 0;
  // How it ended; none while it runs. Never blocks. Whatever the worker wrote is written when this
  // answers.
  virtual std::optional<WorkerExit> reap() = 0;
  virtual void kill() = 0;
  // 0 for a worker that is no process of its own.
  virtual pid_t pid() const { return 0; }
  // The reading end, which does not block, of what it writes to stdout and stderr; once. None for
  // one that writes to those of this process. Whoever takes it must read it: the worker waits while
  // the pipe is full.
  virtual ipc::UniqueFd take_output() { return {}; }
  // False for a worker that goes on with what it is doing: giving it up means waiting for it.
  virtual bool ends_when_killed() const { return true; }
};

// How workers are started: as processes, or as threads of this one.
class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;
  // Starts a worker at this end of a channel. The worker may end when the calling thread does.
  // Errors: kResources when the system refuses a process; kInvalid when there is no program.
  virtual std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) = 0;
  // Of each worker's own data; 0: none.
  virtual std::int64_t memory_limit_bytes() const { return 0; }
  // Others than the constants are for tests.
  virtual std::chrono::milliseconds kill_limit() const { return kKillLimit; }
  virtual std::chrono::milliseconds lost_limit() const { return kLostLimit; }
};

// A worker and the link to it. The process is destroyed first: then nobody writes the link's
// memory.
struct StartedWorker {
  ipc::CoordinatorLink link;
  std::unique_ptr<WorkerProcess> process;
};

StartedWorker start_worker(WorkerLauncher& launcher);

// Lets workers end by themselves, all at once; kills those that have not ended after kEndLimit, and
// waits for them until kKillLimit.
inline constexpr std::chrono::milliseconds kEndLimit{1000};
void end_workers(std::vector<StartedWorker> workers);

}  // namespace gristmill::engine
