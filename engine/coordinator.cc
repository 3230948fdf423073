#include "engine/coordinator.h"

#include <algorithm>
#include <future>
#include <system_error>

#include "engine/blocked_signals.h"
#include "engine/result_arrays.h"
#include "ipc/system_error.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

// Repairs what no wake-up tells: a wake-up that a dying process consumed, a deadline.
constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::milliseconds kHousekeeping{1000};
// A full stderr takes lines again once somebody has read it.
constexpr std::chrono::milliseconds kFullOutputTick{10};
constexpr int kExtraWorker = -1;
constexpr std::int64_t kControlCacheBytes = std::int64_t{16} << 20;

Result cancelled_before_start(const JobState& state, const PlannedJob& job) {
  JobSummary summary;
  summary.plan = job.plan;
  summary.elapsed = JobState::Clock::now() - state.submitted();
  return Result(Outcome::kCancelled, std::nullopt, std::move(summary),
                std::make_shared<const ResultArrays>(std::vector<std::shared_ptr<OutputArray>>()));
}

}  // namespace

Coordinator::Coordinator(std::unique_ptr<WorkerLauncher> launcher, int workers,
                         std::shared_ptr<SegmentPool> segments, WorkerLines lines)
    : launcher_(std::move(launcher)),
      slots_(static_cast<std::uint32_t>(workers)),
      lines_(std::move(lines)),
      segments_(std::move(segments)),
      control_segments_(std::make_shared<SegmentPool>(SegmentPool::Limits{kControlCacheBytes, 0})),
      bell_(std::make_shared<const ipc::Doorbell>(ipc::Doorbell::create())),
      epoll_(std::make_unique<Epoll>()),
      pool_(std::make_unique<WorkerPool>(*launcher_, *epoll_, slots_, lines_)) {
  epoll_->add(bell_->fd());
  start_thread();
  try {
    call_and_wait([this] { start_workers(); });
  } catch (...) {
    post([this] { stopping_ = true; });
    thread_.join();
    throw;
  }
}

void Coordinator::start_thread() {
  const AllSignalsBlocked blocked;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    throw ipc::system_error("start the coordinator's thread", error.code().value(),
                            ErrorCode::kResources);
  }
}

// As many as the system allows; each job tries to start those that are missing.
void Coordinator::start_workers() {
  for (std::uint32_t slot = 0; slot < slots_; ++slot) {
    try {
      pool_->start(slot);
    } catch (const Error&) {
      if (slot == 0) throw;
      // The one that plans needs a place, too.
      if (slot > 1) pool_->drop(slot - 1);
      return;
    }
  }
}

Coordinator::~Coordinator() {
  post([this] {
    stopping_ = true;
    for (const auto& state : waiting_) state->cancel();
    if (running_state_) running_state_->cancel();
  });
  thread_.join();
}

Job Coordinator::submit(PlannedJob job) {
  GRISTMILL_TEST_POINT("coordinator-before-submit");
  auto state = std::make_shared<JobState>(std::move(job), bell_);
  post([this, state] { waiting_.push_back(state); });
  return Job(state);
}

StartedWorker Coordinator::start_extra_worker() {
  std::optional<StartedWorker> worker;
  call_and_wait([&] {
    worker.emplace(start_worker(*launcher_));
    watch_extra_output(worker->process->take_output());
  });
  return std::move(*worker);
}

void Coordinator::watch_extra_output(ipc::UniqueFd pipe) {
  // The one before has ended. Its descriptor leaves the queue when it is closed.
  if (extra_output_) extra_output_->read_rest();
  extra_output_.emplace(std::move(pipe), kExtraWorker, lines_);
  if (extra_output_->fd() >= 0) epoll_->add_edge_triggered(extra_output_->fd());
}

void Coordinator::call_and_wait(const std::function<void()>& function) {
  std::packaged_task<void()> task(function);
  std::future<void> done = task.get_future();
  post([&task] { task(); });
  done.get();
}

void Coordinator::post(std::function<void()> command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  bell_->ring();
}

void Coordinator::run() {
  while (turn()) {
  }
  pool_.reset();
  GRISTMILL_TEST_POINT("coordinator-after-workers");
  if (extra_output_) extra_output_->read_rest();
}

// One wake-up: the bell is answered before anything is looked at; reports before deaths; then
// decisions. False: the end.
bool Coordinator::turn() {
  bell_->answer();
  run_commands();
  bool more = false;
  for (const WorkerEvent& event : pool_->collect(more)) {
    if (running_) running_->on_event(event);
  }
  if (extra_output_) more |= extra_output_->read_some();
  step_jobs();
  keep_house();
  if (stopping_ && !running_ && waiting_.empty()) return false;
  epoll_->wait(wait_limit(more));
  return true;
}

void Coordinator::run_commands() {
  std::vector<std::function<void()>> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const auto& command : commands) command();
}

void Coordinator::step_jobs() {
  drop_cancelled();
  for (;;) {
    if (running_) {
      running_->on_turn(JobRun::Clock::now());
      if (!running_->ended()) return;
      running_.reset();
      running_state_.reset();
    }
    if (waiting_.empty()) return;
    running_state_ = std::move(waiting_.front());
    waiting_.pop_front();
    // All of them, not only those that take part: memory that they hold was counted as free.
    forget_dead_memory();
    running_ = std::make_unique<JobRun>(*pool_, *control_segments_, running_state_, ++last_job_);
    running_->start();
  }
}

// The pool frees memory; between jobs workers unmap what is gone.
void Coordinator::keep_house() {
  const auto now = JobRun::Clock::now();
  if (now < next_housekeeping_) return;
  next_housekeeping_ = now + kHousekeeping;
  segments_->keep_house(now, "/");
  control_segments_->keep_house(now, "/");
  if (running_) return;
  forget_dead_memory();
}

void Coordinator::forget_dead_memory() {
  for (std::uint32_t slot = 0; slot < slots_; ++slot) {
    if (pool_->live(slot)) pool_->forget_dead_memory(slot);
  }
}

void Coordinator::drop_cancelled() {
  std::erase_if(waiting_, [](const std::shared_ptr<JobState>& state) {
    if (!state->cancel_requested()) return false;
    state->job().let_go_of_memory();
    state->finish(cancelled_before_start(*state, state->job()));
    return true;
  });
}

bool Coordinator::output_waits() const {
  return pool_->output_waits() || (extra_output_ && extra_output_->waits());
}

std::optional<std::chrono::milliseconds> Coordinator::wait_limit(bool more) const {
  if (more) return std::chrono::milliseconds(0);
  const bool full = output_waits();
  if (!running_ && !full) return last_job_ == 0 ? std::nullopt : std::optional(kHousekeeping);
  const auto tick = full ? kFullOutputTick : kTick;
  if (!running_) return tick;
  const auto deadline = running_->deadline();
  if (!deadline) return tick;
  return std::min(tick,
                  std::chrono::ceil<std::chrono::milliseconds>(*deadline - JobRun::Clock::now()));
}

}  // namespace gristmill::engine
