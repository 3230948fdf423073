#include "engine/worker_pool.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <utility>

#include "engine/printable.h"
#include "ipc/system_error.h"
#include "ipc/test_point.h"
#include "ipc/unique_fd.h"
#include "ipc/version.h"

namespace gristmill::engine {
namespace {

constexpr int kReportsPerTurn = 64;

// While it lives, that many descriptors are taken: workers leave them to the jobs that they run.
class SpareDescriptors {
 public:
  explicit SpareDescriptors(int any_fd) {
    for (ipc::UniqueFd& fd : fds_) {
      fd.reset(fcntl(any_fd, F_DUPFD_CLOEXEC, 0));
      if (!fd) throw ipc::system_error("start a worker", errno, ErrorCode::kResources);
    }
  }

 private:
  std::array<ipc::UniqueFd, 16> fds_;
};

}  // namespace

WorkerPool::WorkerPool(WorkerLauncher& launcher, Epoll& epoll, std::uint32_t slots,
                       const WorkerLines& lines)
    : launcher_(launcher), epoll_(epoll), lines_(lines), slots_(slots) {}

WorkerPool::~WorkerPool() {
  std::vector<StartedWorker> workers;
  for (auto& slot : slots_) {
    if (slot) workers.push_back(std::move(slot->worker));
  }
  end_workers(std::move(workers));
  for (auto& slot : slots_) {
    if (slot) slot->output.read_rest();
  }
}

void WorkerPool::start(std::uint32_t slot) {
  assert(!live(slot));
  const SpareDescriptors spare(epoll_.fd());
  StartedWorker worker = start_worker(launcher_);
  GRISTMILL_TEST_POINT("coordinator-before-record");
  epoll_.add_edge_triggered(worker.link.doorbell_fd());
  epoll_.add(worker.process->exit_fd());
  WorkerOutput output(worker.process->take_output(), static_cast<int>(slot), lines_);
  if (output.fd() >= 0) epoll_.add_edge_triggered(output.fd());
  slots_[slot].emplace(Incarnation{std::move(worker), std::move(output), false, {}, {}, {}});
}

void WorkerPool::drop(std::uint32_t slot) { slots_[slot].reset(); }

void WorkerPool::kill(std::uint32_t slot) {
  if (!live(slot)) return;
  if (!slots_[slot]->killed_at) slots_[slot]->killed_at = Clock::now();
  GRISTMILL_TEST_POINT("coordinator-before-kill");
  slots_[slot]->worker.process->kill();
  GRISTMILL_TEST_POINT("coordinator-after-kill");
}

bool WorkerPool::send(std::uint32_t slot, const ipc::Task& task) {
  if (slots_[slot]->worker.link.send(task)) return true;
  if (!slots_[slot]->worker.link.worker_is_gone()) reject(slot, "it does not take its tasks");
  return false;
}

bool WorkerPool::send(std::uint32_t slot, const ipc::ChannelMessage& message,
                      const std::vector<int>& fds) {
  if (slots_[slot]->worker.link.send(message, fds)) return true;
  if (!slots_[slot]->worker.link.worker_is_gone()) reject(slot, "it does not take its messages");
  return false;
}

void WorkerPool::will_map(std::uint32_t slot, const std::shared_ptr<const MemoryName>& memory) {
  slots_[slot]->mapped[memory->number()] = memory;
}

void WorkerPool::forget_dead_memory(std::uint32_t slot) {
  std::vector<std::uint64_t> dead;
  std::erase_if(slots_[slot]->mapped, [&](const auto& entry) {
    if (!entry.second.expired() || dead.size() == ipc::kMaxForgotten) return false;
    dead.push_back(entry.first);
    return true;
  });
  if (!dead.empty()) send(slot, ipc::ForgetMemory{std::move(dead)});
}

bool WorkerPool::output_waits() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const auto& slot) { return slot && slot->output.waits(); });
}

std::vector<WorkerEvent> WorkerPool::collect(bool& more) {
  std::vector<WorkerEvent> events;
  more = false;
  for (std::uint32_t slot = 0; slot < size(); ++slot) {
    if (live(slot)) take_reports(slot, events, more);
  }
  // What a worker wrote before a report comes before it.
  for (auto& slot : slots_) {
    if (slot) more |= slot->output.read_some();
  }
  GRISTMILL_TEST_POINT("coordinator-before-deaths");
  for (std::uint32_t slot = 0; slot < size(); ++slot) {
    if (live(slot)) take_death(slot, events);
  }
  take_deaths_of_lost(events);
  for (std::uint32_t slot = 0; slot < size(); ++slot) {
    if (live(slot)) give_up_unkillable(slot, events);
  }
  return events;
}

void WorkerPool::take_reports(std::uint32_t slot, std::vector<WorkerEvent>& events, bool& more) {
  Incarnation& incarnation = *slots_[slot];
  if (!incarnation.violation.empty()) return;
  for (int taken = 0; taken < kReportsPerTurn; ++taken) {
    ipc::Report report;
    switch (incarnation.worker.link.take(report)) {
      case ipc::CoordinatorLink::Take::kEmpty:
        return;
      case ipc::CoordinatorLink::Take::kViolation:
        return reject(slot, "it wrote a report that cannot be read");
      case ipc::CoordinatorLink::Take::kReport:
        break;
    }
    if (const auto* hello = std::get_if<ipc::Hello>(&report)) {
      if (incarnation.greeted || hello->version != ipc::kVersion) {
        return reject(slot, "it is of version " + printable(hello->version.substr(0, 20)));
      }
      incarnation.greeted = true;
      continue;
    }
    events.push_back({slot, std::move(report)});
  }
  more = true;
}

void WorkerPool::take_death(std::uint32_t slot, std::vector<WorkerEvent>& events) {
  const std::optional<WorkerExit> exit = slots_[slot]->worker.process->reap();
  if (!exit) return;
  GRISTMILL_TEST_POINT("coordinator-after-reap");
  // What it said before it died counts.
  for (bool more = true; more;) {
    more = false;
    take_reports(slot, events, more);
  }
  Incarnation& incarnation = *slots_[slot];
  stop_listening(incarnation);
  epoll_.remove(incarnation.worker.process->exit_fd());
  events.push_back({slot, death_of(incarnation, *exit)});
  slots_[slot].reset();
}

void WorkerPool::stop_listening(Incarnation& incarnation) {
  if (incarnation.output.fd() >= 0) epoll_.remove(incarnation.output.fd());
  epoll_.remove(incarnation.worker.link.doorbell_fd());
}

WorkerDeath WorkerPool::death_of(Incarnation& incarnation, const WorkerExit& exit) {
  incarnation.output.read_rest();
  // A kill of ours that came too late killed nobody.
  const bool own_kill = incarnation.killed_at && (exit.signal == SIGKILL || !exit.known);
  return {exit, own_kill, own_kill ? incarnation.violation : std::string(),
          incarnation.output.last_lines(),
          exit.signal == SIGKILL && !own_kill && was_out_of_memory()};
}

void WorkerPool::give_up_unkillable(std::uint32_t slot, std::vector<WorkerEvent>& events) {
  Incarnation& incarnation = *slots_[slot];
  // What is no process, or none yet, was not sent the signal.
  if (!incarnation.killed_at || pid(slot) == 0) return;
  if (Clock::now() - *incarnation.killed_at < launcher_.kill_limit()) return;
  stop_listening(incarnation);
  WorkerExit presumed;
  presumed.signal = SIGKILL;
  events.push_back({slot, LostWorker{++last_lost_, pid(slot), death_of(incarnation, presumed)}});
  lost_.emplace(last_lost_, Lost{slot, std::move(incarnation)});
  slots_[slot].reset();
}

void WorkerPool::take_deaths_of_lost(std::vector<WorkerEvent>& events) {
  for (auto lost = lost_.begin(); lost != lost_.end();) {
    Incarnation& incarnation = lost->second.incarnation;
    const std::optional<WorkerExit> exit = incarnation.worker.process->reap();
    if (!exit) {
      ++lost;
      continue;
    }
    epoll_.remove(incarnation.worker.process->exit_fd());
    events.push_back(
        {lost->second.slot, LostWorkerDeath{lost->first, death_of(incarnation, *exit)}});
    lost = lost_.erase(lost);
  }
}

void WorkerPool::keep_for_lost(std::uint64_t id, std::vector<std::shared_ptr<const void>> memory) {
  const auto lost = lost_.find(id);
  if (lost != lost_.end()) lost->second.kept = std::move(memory);
}

// True if the system has killed more for memory than deaths were explained by: each kill explains
// one, for two may be killed before the first death is seen.
bool WorkerPool::was_out_of_memory() {
  if (out_of_memory_kills("/").value_or(0) <= explained_kills_) return false;
  ++explained_kills_;
  return true;
}

void WorkerPool::reject(std::uint32_t slot, std::string violation) {
  if (!live(slot)) return;
  slots_[slot]->violation = std::move(violation);
  kill(slot);
}

}  // namespace gristmill::engine
