#include "engine/job_state.h"

#include <algorithm>

namespace gristmill {

JobState::JobState(engine::PlannedJob job, std::shared_ptr<const ipc::Doorbell> bell)
    : job_(std::move(job)), bell_(std::move(bell)), items_(job_.plan.items) {}

Result JobState::wait() {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return result_.has_value(); });
  return *result_;
}

bool JobState::wait_for(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return finished_.wait_for(lock, limit, [this] { return result_.has_value(); });
}

Progress JobState::progress() const {
  const std::lock_guard lock(mutex_);
  Progress progress;
  progress.items_total = items_;
  if (result_) {
    progress.items_done = result_->summary().items_done;
    progress.elapsed = result_->summary().elapsed;
    progress.finished = true;
    return progress;
  }
  progress.elapsed = Clock::now() - submitted_;
  if (!control_) return progress;
  progress.workers_running = static_cast<int>(control_->slots());
  progress.workers_stopped = stopped_;
  for (std::uint32_t slot = 0; slot < control_->slots(); ++slot) {
    // relaxed: counters for people.
    progress.items_done +=
        static_cast<std::int64_t>(control_->slot(slot).items_done.load(std::memory_order_relaxed));
  }
  progress.items_done = std::clamp<std::int64_t>(progress.items_done, 0, items_);
  return progress;
}

void JobState::cancel() {
  cancel_requested_ = true;
  bell_->ring();
}

void JobState::set_running(std::shared_ptr<const ipc::ControlSegment> control) {
  const std::lock_guard lock(mutex_);
  control_ = std::move(control);
}

void JobState::finish(Result result) {
  const std::lock_guard lock(mutex_);
  control_.reset();
  result_ = std::move(result);
  finished_.notify_all();
}

Result Job::wait() { return state_->wait(); }
bool Job::wait_for(std::chrono::milliseconds limit) { return state_->wait_for(limit); }
Progress Job::progress() const { return state_->progress(); }
void Job::cancel() { state_->cancel(); }

}  // namespace gristmill
