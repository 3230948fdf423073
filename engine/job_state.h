#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include <gristmill/job.h>
#include <gristmill/result.h>

#include "engine/planned_job.h"
#include "ipc/control_segment.h"
#include "ipc/doorbell.h"

namespace gristmill {

// A submitted job between the threads that wait for it and the coordinator's thread that runs it.
// Threads and processes: safe from any thread; job() is the coordinator's alone.
class JobState {
 public:
  using Clock = std::chrono::steady_clock;

  // bell wakes the coordinator.
  JobState(engine::PlannedJob job, std::shared_ptr<const ipc::Doorbell> bell);

  Result wait();
  bool wait_for(std::chrono::milliseconds limit);
  Progress progress() const;
  void cancel();

  engine::PlannedJob& job() { return job_; }
  Clock::time_point submitted() const { return submitted_; }
  bool cancel_requested() const { return cancel_requested_; }
  // The workers' counters are in this control segment from now on.
  void set_running(std::shared_ptr<const ipc::ControlSegment> control);
  // How many workers are stopped at the moment.
  void set_stopped(int workers) { stopped_ = workers; }
  void finish(Result result);

 private:
  engine::PlannedJob job_;
  const std::shared_ptr<const ipc::Doorbell> bell_;
  const Clock::time_point submitted_ = Clock::now();
  const std::int64_t items_;
  std::atomic<bool> cancel_requested_ = false;
  std::atomic<int> stopped_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable finished_;
  std::shared_ptr<const ipc::ControlSegment> control_;
  std::optional<Result> result_;
};

}  // namespace gristmill
