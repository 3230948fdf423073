// What becomes of a job when a killed worker does not end: the system call that it is in may still
// write, so its chunk waits for its end, and its memory is not used again.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/fault_text.h"
#include "engine/job_run.h"

namespace gristmill::engine {
namespace {

// A slot whose workers go on getting lost is given no more of them.
constexpr int kMostLosses = 2;

}  // namespace

void JobRun::on_lost(std::uint32_t slot, const LostWorker& lost) {
  pool_.keep_for_lost(lost.id, mapped_memory());
  ++report_.lost;
  ++losses_[slot];
  last_start_error_ = lost_error(job_, slot, lost.pid, "");
  const std::optional<std::uint32_t> chunk = held_chunk(slot);
  // Whoever holds no chunk has nothing to write any more.
  if (!chunk) return on_death(slot, lost.presumed);
  orders_.reaped(slot);
  disturbed_ = disturbed_in_round_ = true;
  const Slot place = std::exchange(slots_[slot], Slot{});
  lost_.emplace(lost.id, Lost{slot, lost.pid, place, control_->stamp(slot), *chunk});
  // Workers pass over it until it is acquitted.
  if (place.order.kind == ipc::OrderKind::kWork) control_->convict(*chunk);
  if (shares_slot_memory()) return;
  bury(slot, place);
  replace(slot, /*came_to_nothing=*/false, /*killed=*/false);
}

void JobRun::on_lost_death(const LostWorkerDeath& ended) {
  const auto lost = lost_.find(ended.id);
  if (lost != lost_.end()) lost->second.death = ended.death;
}

// The chunk that the slot's worker may be writing.
std::optional<std::uint32_t> JobRun::held_chunk(std::uint32_t slot) const {
  if (!control_ || phase_ != Phase::kRunning || stopping_ || !orders_.busy(slot)) {
    return std::nullopt;
  }
  const ipc::Order& order = slots_[slot].order;
  if (order.kind != ipc::OrderKind::kWork) return order.begin;
  const std::uint64_t stamp = control_->stamp(slot);
  if (stamp == 0 || ipc::job_of_stamp(stamp) != number_) return std::nullopt;
  const std::uint32_t chunk = ipc::chunk_of_stamp(stamp);
  if (chunk >= control_->chunks() || !control_->is_open(chunk)) return std::nullopt;
  return chunk;
}

// What the job's workers have mapped, as far as others would use it again: a lost worker may be in
// a system call that writes to it, or reads it.
std::vector<std::shared_ptr<const void>> JobRun::mapped_memory() const {
  std::vector<std::shared_ptr<const void>> memory;
  if (control_) memory.push_back(control_->words());
  if (job_.partials_memory) memory.push_back(job_.partials_memory);
  for (const auto& input : job_.inputs) {
    if (input) memory.push_back(input->storage());
  }
  for (const auto& output : job_.outputs) memory.push_back(output->memory());
  return memory;
}

// The next worker of a slot would write where the lost one may write: behind the same rows, or into
// the same accumulator.
bool JobRun::shares_slot_memory() const {
  return job_.emit || (job_.partials && job_.partials->exact);
}

bool JobRun::may_replace(std::uint32_t slot) const { return losses_[slot] < kMostLosses; }

// Requires: a quiet state.
void JobRun::settle_ended_losses() {
  for (auto lost = lost_.begin(); lost != lost_.end() && !stopping_;) {
    if (!lost->second.death) {
      ++lost;
      continue;
    }
    const Lost ended = std::move(lost->second);
    lost = lost_.erase(lost);
    settle(ended);
  }
}

// As a death, but that the slot may have another worker already. Requires: a quiet state.
void JobRun::settle(const Lost& lost) {
  if (lost.place.order.kind == ipc::OrderKind::kWork) control_->acquit(lost.chunk);
  if (shares_slot_memory()) bury(lost.slot, lost.place);
  disturbed_ = disturbed_in_round_ = true;
  settle_death(lost.slot, lost.place, lost.stamp, *lost.death);
  --losses_[lost.slot];
  if (stopping_ || pool_.live(lost.slot) || slots_[lost.slot].restart_at) return;
  replace(lost.slot, /*came_to_nothing=*/false, /*killed=*/false);
}

bool JobRun::has_held_chunk() const {
  return std::any_of(lost_.begin(), lost_.end(), [this](const auto& entry) {
    const Lost& lost = entry.second;
    return lost.place.order.kind != ipc::OrderKind::kWork || control_->is_convicted(lost.chunk);
  });
}

// Requires: a quiet state, in which nothing else can be done.
void JobRun::wait_for_lost() {
  const Clock::time_point now = Clock::now();
  if (!waiting_since_) waiting_since_ = now;
  if (now - *waiting_since_ < pool_.lost_limit()) return;
  const Lost& lost = lost_.begin()->second;
  fail(lost_error(job_, lost.slot, lost.pid, chunk_in_words(job_, lost.chunk, control_->chunks())));
}

}  // namespace gristmill::engine
