#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/epoll.h"
#include "engine/placed_memory.h"
#include "engine/process_state.h"
#include "engine/worker_launcher.h"
#include "engine/worker_output.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// A worker has ended and was reaped: its last write is over.
struct WorkerDeath {
  WorkerExit exit;
  bool own_kill = false;                     // by SIGKILL, and this pool sent one
  std::string violation;                     // what it did wrong, if that is why it was killed
  std::vector<std::string> last_lines = {};  // of what it wrote to stdout and stderr
  bool out_of_memory = false;                // by the system, as far as its count of kills says
};

// A killed worker did not end, and its slot is vacant. It runs no instruction any more, but the
// system call that it is in may write what it has mapped, until it ends.
struct LostWorker {
  std::uint64_t id;
  pid_t pid;
  WorkerDeath presumed;  // what will be said of its end, as far as it is known
};

// And ended at last.
struct LostWorkerDeath {
  std::uint64_t id;
  WorkerDeath death;
};

struct WorkerEvent {
  std::uint32_t slot;
  std::variant<ipc::Report, WorkerDeath, LostWorker, LostWorkerDeath> what;
};

// The workers of an engine, each in a slot. Knows nothing of jobs.
// Threads and processes: one thread, which must outlive the workers.
class WorkerPool {
 public:
  // Lifetime: all three outlive the pool.
  WorkerPool(WorkerLauncher& launcher, Epoll& epoll, std::uint32_t slots, const WorkerLines& lines);
  ~WorkerPool();

  // Starts a worker in a vacant slot. Errors: as WorkerLauncher::launch; kResources, too, when jobs
  // would have too few descriptors left.
  void start(std::uint32_t slot);
  // Ends the slot's worker, which no job uses, and waits for that; nobody is told.
  void drop(std::uint32_t slot);
  // Kills the slot's worker; its death is told by collect(). Nothing if the slot is vacant.
  void kill(std::uint32_t slot);
  // The same for a worker that did something wrong, said as "it ...". Nothing more is read from it.
  void reject(std::uint32_t slot, std::string violation);

  // Of a live worker; 0 if it is no process of its own.
  pid_t pid(std::uint32_t slot) const { return slots_[slot]->worker.process->pid(); }
  // Of each worker's own data; 0: none.
  std::int64_t memory_limit_bytes() const { return launcher_.memory_limit_bytes(); }
  // How long a job may wait for lost workers alone.
  std::chrono::milliseconds lost_limit() const { return launcher_.lost_limit(); }
  bool live(std::uint32_t slot) const { return slots_[slot].has_value(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(slots_.size()); }
  // False if the worker does not take it; it is killed then.
  bool send(std::uint32_t slot, const ipc::Task& task);
  bool send(std::uint32_t slot, const ipc::ChannelMessage& message, const std::vector<int>& fds);

  // The slot's worker will map that memory, and keep it mapped until it is told that nobody needs
  // it.
  void will_map(std::uint32_t slot, const std::shared_ptr<const MemoryName>& memory);
  // Tells the slot's worker which of its memories are gone.
  void forget_dead_memory(std::uint32_t slot);

  // The memory is not used again while that lost worker may write it.
  void keep_for_lost(std::uint64_t id, std::vector<std::shared_ptr<const void>> memory);

  // Some of what workers wrote waits for somebody who is ready for it; no wake-up tells when.
  bool output_waits() const;

  // Hands on the lines that workers wrote, and then tells what has happened: first the reports of
  // all slots, then the deaths, then who was given up for lost. A worker that breaks the protocol
  // is killed. A bounded number of reports a worker and call; `more` says that some wait.
  std::vector<WorkerEvent> collect(bool& more);

 private:
  using Clock = std::chrono::steady_clock;

  struct Incarnation {
    StartedWorker worker;
    WorkerOutput output;
    bool greeted = false;
    std::optional<Clock::time_point> killed_at;
    std::string violation;
    std::map<std::uint64_t, std::weak_ptr<const MemoryName>> mapped = {};
  };
  struct Lost {
    std::uint32_t slot;
    Incarnation incarnation;
    std::vector<std::shared_ptr<const void>> kept = {};
  };

  void take_reports(std::uint32_t slot, std::vector<WorkerEvent>& events, bool& more);
  bool was_out_of_memory();
  void take_death(std::uint32_t slot, std::vector<WorkerEvent>& events);
  WorkerDeath death_of(Incarnation& incarnation, const WorkerExit& exit);
  void stop_listening(Incarnation& incarnation);
  void give_up_unkillable(std::uint32_t slot, std::vector<WorkerEvent>& events);
  void take_deaths_of_lost(std::vector<WorkerEvent>& events);

  WorkerLauncher& launcher_;
  Epoll& epoll_;
  const WorkerLines& lines_;
  std::int64_t explained_kills_ = out_of_memory_kills("/").value_or(0);
  std::vector<std::optional<Incarnation>> slots_;
  std::uint64_t last_lost_ = 0;
  std::map<std::uint64_t, Lost> lost_;
};

}  // namespace gristmill::engine
