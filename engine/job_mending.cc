// What becomes of a job when workers die or hang and chunks fail: blame, restarts, quarantine.
#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "engine/fault_text.h"
#include "engine/job_run.h"
#include "engine/process_state.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

// Deadlines are looked at so often, and all else that is watched so often.
constexpr std::chrono::milliseconds kDeadlineInterval{100};
constexpr std::chrono::milliseconds kWatchInterval{250};
// A pause between two looks that is longer than this is the coordinator's own.
constexpr std::chrono::milliseconds kOwnPause{1000};
// A worker that is so long at the same thing is asked for its state.
constexpr std::chrono::seconds kSuspiciouslyLong{1};

}  // namespace

void JobRun::on_death(std::uint32_t slot, const WorkerDeath& death) {
  Slot& place = slots_[slot];
  const Slot dead = std::exchange(place, Slot{});
  orders_.reaped(slot);
  if (!control_ || phase_ != Phase::kRunning) return;
  const std::uint64_t stamp = bury(slot, dead);
  if (stopping_) return;
  const bool came_to_nothing = settle_death(slot, dead, stamp, death);
  if (stopping_) return;
  replace(slot, came_to_nothing, cause_of(death, dead.kill) == FaultCause::kKilled);
}

// Returns the dead worker's stamp.
std::uint64_t JobRun::bury(std::uint32_t slot, const Slot& dead) {
  const std::uint64_t stamp = control_->bury(slot);
  GRISTMILL_TEST_POINT("coordinator-after-bury");
  if (job_.emit) {
    job_.emit->bury(slot, *control_->words(),
                    [this](std::uint32_t chunk) { return control_->is_done(chunk); });
  }
  slots_[slot].life = dead.life;
  slots_[slot].abandoned = dead.abandoned;
  lose_accumulator(slot);
  disturbed_ = disturbed_in_round_ = true;
  return stamp;
}

// What becomes of the chunk, and of the job. True if that worker came to nothing.
bool JobRun::settle_death(std::uint32_t slot, const Slot& dead, std::uint64_t stamp,
                          const WorkerDeath& death) {
  // No chunk's fault, and no other worker could do better.
  if (death.exit.signal == SIGBUS) {
    if (std::optional<Error> full = check_space()) {
      fail(std::move(*full));
      return false;
    }
  }
  if (plugin_.has_changed()) {
    fail(Error(ErrorCode::kFailed,
               {"plug-in \"" + job_.plan.plugin + "\" changed while the job ran",
                "Worker " + std::to_string(slot) + " " + death.exit.in_words() + ".",
                "Run it again; a build that writes a new file and renames it harms no job."}));
    return false;
  }
  const FaultCause cause = cause_of(death, dead.kill);
  const bool ours = death.own_kill && death.violation.empty();
  const std::optional<std::uint32_t> chunk = blamed_chunk(death, stamp, dead);
  FailedAttempt attempt = attempt_of(slot, death, cause);
  const ipc::Order& order = dead.order;
  const bool probed = order.kind == ipc::OrderKind::kProbe;
  if (chunk && probed) {
    on_probe_failure({order.begin, order.item_begin, order.item_end}, attempt);
  } else if (chunk) {
    on_chunk_failure(*chunk, attempt);
  } else {
    // What it was given and did not begin goes to the next one.
    if (probed) bisection_.again({order.begin, order.item_begin, order.item_end});
    if (order.kind == ipc::OrderKind::kFill) fills_->push_back(order);
    if (order.kind == ipc::OrderKind::kWork && order.begin < order.end &&
        control_->is_open(order.begin)) {
      suspects_.push_back(order.begin);
    }
    if (!ours || dead.kill) record(attempt);
  }
  if (stopping_) return false;
  const bool did_nothing = control_->done_as_counted(slot) == dead.done_before && !was_done(stamp);
  // A worker that has too much memory outside of any chunk would have it again.
  const bool meant_so = ours && cause != FaultCause::kMemoryLimit;
  const bool came_to_nothing = !chunk && !meant_so && (did_nothing || !death.violation.empty());
  if (came_to_nothing) last_start_error_ = death_error(job_, attempt, "outside of any chunk");
  return came_to_nothing;
}

// A stamp that is left over from a chunk that its worker has finished.
bool JobRun::was_done(std::uint64_t stamp) const {
  return stamp != 0 && ipc::job_of_stamp(stamp) == number_ &&
         ipc::chunk_of_stamp(stamp) < control_->chunks() &&
         control_->is_done(ipc::chunk_of_stamp(stamp));
}

FaultCause JobRun::cause_of(const WorkerDeath& death, const std::optional<Kill>& kill) {
  if (!death.violation.empty()) return FaultCause::kViolation;
  if (death.own_kill && kill) return kill->cause;
  if (death.exit.signal == 0) return FaultCause::kExit;
  if (death.exit.signal != SIGKILL) return FaultCause::kSignal;
  return death.out_of_memory ? FaultCause::kOutOfMemory : FaultCause::kKilled;
}

// A stamp is a worker's word: it counts if it names a chunk of this job that is not done. A kill of
// ours blames the chunk that it was meant for, and no other; but whoever breaks the protocol may
// have been damaged by the chunk that it is in.
std::optional<std::uint32_t> JobRun::blamed_chunk(const WorkerDeath& death, std::uint64_t stamp,
                                                  const Slot& slot) const {
  if (stamp == 0 || ipc::job_of_stamp(stamp) != number_) return std::nullopt;
  const std::uint32_t chunk = ipc::chunk_of_stamp(stamp);
  if (chunk >= control_->chunks()) return std::nullopt;
  if (death.own_kill && death.violation.empty()) {
    if (!slot.kill || slot.kill->target != stamp) return std::nullopt;
  }
  if (slot.order.kind == ipc::OrderKind::kProbe) {
    return chunk == slot.order.begin ? std::optional(chunk) : std::nullopt;
  }
  return control_->is_open(chunk) ? std::optional(chunk) : std::nullopt;
}

FailedAttempt JobRun::attempt_of(std::uint32_t slot, const WorkerDeath& death,
                                 FaultCause cause) const {
  FailedAttempt attempt;
  attempt.worker = static_cast<int>(slot);
  attempt.cause = cause;
  attempt.what = end_in_words(death, cause, job_);
  attempt.signal = death.exit.signal;
  attempt.exit_code = death.exit.code;
  attempt.peak_memory_bytes = death.exit.peak_bytes;
  attempt.cpu_time = death.exit.cpu_time;
  attempt.wall_time = death.exit.life_time;
  attempt.last_lines = death.last_lines;
  return attempt;
}

void JobRun::record(const FailedAttempt& attempt) {
  ++report_.attempt_count;
  if (report_.attempts.size() >= FaultReport::kMostAttempts) return;
  report_.attempts.push_back(attempt);
  report_.attempts.back().at = Clock::now() - state_->submitted();
}

void JobRun::on_chunk_failure(std::uint32_t chunk, FailedAttempt attempt) {
  disturbed_ = disturbed_in_round_ = true;
  attempt.chunk = chunk;
  if (!is_follow_up(job_, chunk)) {
    const ItemRange range = job_.chunks.range_of(chunk);
    attempt.begin = range.begin;
    attempt.end = range.end;
  }
  const ChunkFaults::Verdict verdict = chunk_faults_.blame(chunk, attempt.cause);
  attempt.attempt = verdict.attempt;
  record(attempt);
  if (verdict.given_up) return give_up(chunk, attempt);
  // Where memory ran out there are to be fewer chunks at the same time.
  (attempt.cause == FaultCause::kOutOfMemory ? apart_ : suspects_).push_back(chunk);
}

void JobRun::give_up(std::uint32_t chunk, const FailedAttempt& attempt) {
  if (job_.faults.on_error == OnError::kStop || is_follow_up(job_, chunk)) {
    return fail(
        death_error(job_, attempt, "in " + chunk_in_words(job_, chunk, control_->chunks())));
  }
  // Of a chunk that the kernel refused, its worker still holds the claim.
  if (attempt.cause == FaultCause::kError) {
    refused_.emplace(chunk, attempt.what);
  } else if (control_->convict(chunk)) {
    GRISTMILL_TEST_POINT("coordinator-after-convict");
    given_up_.emplace(chunk, attempt.what);
  }
}

void JobRun::on_probe_failure(const Bisection::Probe& probe, FailedAttempt attempt) {
  disturbed_ = disturbed_in_round_ = true;
  const bool innocent =
      attempt.cause == FaultCause::kKilled || attempt.cause == FaultCause::kOutOfMemory;
  attempt.chunk = probe.chunk;
  attempt.begin = probe.begin;
  attempt.end = probe.end;
  const ChunkFaults::Verdict verdict = chunk_faults_.blame(probe.chunk, attempt.cause);
  attempt.attempt = verdict.attempt;
  record(attempt);
  if (innocent && !verdict.given_up) return bisection_.again(probe);
  bisection_.failed(probe, attempt.what);
}

// The chunks that were added to it are open again in the next quiet state.
void JobRun::lose_accumulator(std::uint32_t slot) {
  // In a later round what was accumulated is complete, and only read.
  if (!job_.partials || !job_.partials->exact || round_ > 0) return;
  Slot& place = slots_[slot];
  lost_accumulators_.insert(ipc::accumulator_id(place.life, place.abandoned++));
  if (!pool_.live(slot)) control_->lose_accumulator(slot);
  disturbed_ = disturbed_in_round_ = true;
}

void JobRun::replace(std::uint32_t slot, bool came_to_nothing, bool killed) {
  if (!may_replace(slot)) return;
  const Clock::time_point now = Clock::now();
  if (!came_to_nothing) {
    slots_[slot].restart_at = now;
  } else {
    slots_[slot].restart_at = restarts_.after_nothing(slot, killed, now);
  }
  start_due_workers(now);
}

void JobRun::start_due_workers(Clock::time_point now) {
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    Slot& place = slots_[slot];
    if (!place.restart_at || *place.restart_at > now) continue;
    GRISTMILL_TEST_POINT("coordinator-before-restart");
    if (!start_worker_in(slot)) continue;
    ++report_.restarts;
    ipc::Order first;
    if (!suspects_.empty()) {
      first.begin = suspects_.front();
      first.end = first.begin + 1;
      suspects_.pop_front();
    }
    order(slot, first);
    GRISTMILL_TEST_POINT("coordinator-after-restart");
  }
}

// False if the system refuses a process: it is tried again later.
bool JobRun::start_worker_in(std::uint32_t slot) {
  slots_[slot].restart_at.reset();
  try {
    pool_.start(slot);
  } catch (const Error& error) {
    last_start_error_ = error;
    slots_[slot].restart_at = restarts_.after_nothing(slot, false, Clock::now());
    return false;
  }
  open(slot);
  return true;
}

bool JobRun::has_worker_to_come() const {
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    if (slots_[slot].restart_at || (pool_.live(slot) && slots_[slot].leaves)) return true;
  }
  return false;
}

// blames the chunk of that stamp, if it is still in it; 0: nobody.
void JobRun::kill(std::uint32_t slot, FaultCause cause, std::uint64_t target) {
  slots_[slot].kill = Kill{cause, target};
  pool_.kill(slot);
}

// Requires: the slot's worker owes nothing.
void JobRun::replace_by_a_new_one(std::uint32_t slot) {
  slots_[slot].leaves = true;
  pool_.kill(slot);
}

// A suspect wants a fresh worker, and there is none to come: one that has nothing to do makes way.
// Requires: a quiet state with a worker that is ready.
void JobRun::run_suspect_apart() {
  if (suspects_.empty()) {
    suspects_.push_back(apart_.front());
    apart_.pop_front();
  }
  if (!has_worker_to_come()) replace_by_a_new_one(ready_slots().front());
}

// True while parts of given-up chunks are being tried. Requires: a quiet state.
bool JobRun::give_probes() {
  if (!job_.faults.bisect || bisected_) return false;
  if (!probing_) {
    probing_ = true;
    for (const auto& [chunk, why] : given_up_) {
      const ItemRange range = job_.chunks.range_of(chunk);
      bisection_.add(chunk, range.begin, range.end, why);
    }
  }
  for (const std::uint32_t slot : ready_slots()) {
    if (!bisection_.has_next()) break;
    const Bisection::Probe probe = bisection_.next();
    ipc::Order order;
    order.kind = ipc::OrderKind::kProbe;
    order.begin = probe.chunk;
    order.end = probe.chunk + 1;
    order.item_begin = probe.begin;
    order.item_end = probe.end;
    GRISTMILL_TEST_POINT("coordinator-before-probe");
    this->order(slot, order);
  }
  bisected_ = orders_.quiet();
  return !bisected_;
}

// True while quarantined items are being filled. Requires: a quiet state.
bool JobRun::give_fills() {
  if (!fills_) prepare_fills();
  for (const std::uint32_t slot : ready_slots()) {
    if (fills_->empty()) break;
    GRISTMILL_TEST_POINT("coordinator-before-fill");
    order(slot, fills_->front());
    fills_->pop_front();
  }
  return !orders_.quiet();
}

void JobRun::prepare_fills() {
  if (job_.faults.bisect) {
    report_.quarantined = bisection_.found();
  } else {
    for (const auto& [chunk, why] : given_up_) {
      const ItemRange range = job_.chunks.range_of(chunk);
      report_.quarantined.push_back({chunk, range.begin, range.end, why});
    }
  }
  fills_.emplace();
  // Rows of an emit are not there at all.
  if (job_.emit) return;
  for (const QuarantinedItems& items : report_.quarantined) {
    ipc::Order order;
    order.kind = ipc::OrderKind::kFill;
    order.begin = static_cast<std::uint32_t>(items.chunk);
    order.end = order.begin + 1;
    order.item_begin = items.begin;
    order.item_end = items.end;
    fills_->push_back(order);
  }
}

void JobRun::watch(Clock::time_point now) {
  if (now < next_watch_) return;
  next_watch_ = now + (job_.faults.chunk_timeout.count() > 0 ? kDeadlineInterval : kWatchInterval);
  const Clock::duration pause = now - last_watch_;
  last_watch_ = now;
  if (pause > kOwnPause) hangs_.forgive(pause);
  int stopped = 0;
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    if (!orders_.busy(slot) || !pool_.live(slot) || pool_.pid(slot) == 0 || slots_[slot].kill) {
      continue;
    }
    stopped += watch_slot(slot, now) ? 1 : 0;
  }
  state_->set_stopped(stopped + static_cast<int>(lost_.size()));
}

// True if the worker is stopped.
bool JobRun::watch_slot(std::uint32_t slot, Clock::time_point now) {
  const FaultPolicy& faults = job_.faults;
  const std::uint64_t stamp = control_->stamp(slot);
  const Clock::duration same = hangs_.look(slot, stamp, now);
  if (stamp != 0 && faults.chunk_timeout.count() > 0 && same >= faults.chunk_timeout) {
    kill(slot, FaultCause::kTimeout, stamp);
    return false;
  }
  const std::int64_t limit = pool_.memory_limit_bytes();
  if (limit > 0 && anonymous_bytes(pool_.pid(slot)) > limit) {
    kill(slot, FaultCause::kMemoryLimit, stamp);
    return false;
  }
  if (same < kSuspiciouslyLong) return false;
  if (state_of_process(pool_.pid(slot)) == ProcessState::kRunning) return false;
  if (faults.stopped_timeout.count() > 0 && same >= faults.stopped_timeout) {
    kill(slot, FaultCause::kStopped, 0);
  }
  return true;
}

}  // namespace gristmill::engine
