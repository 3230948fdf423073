// Workers that do not end when they are killed, as one in an uninterruptible sleep does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <span>

#include "engine/engine_core.h"
#include "ipc/control_segment.h"
#include "ipc/mapping.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/spaces_job.h"
#include "tests/support/thread_launcher.h"
#include "tests/support/wait_until.h"

namespace gristmill::engine {
namespace {

using std::chrono::milliseconds;
using test::ThreadLauncher;
using testing::HasSubstr;

constexpr std::chrono::hours kNever{1};
constexpr std::int64_t kChunkItems = 10;

// Where a worker sleeps until somebody wakes it up.
class Sleep {
 public:
  void until_woken() {
    asleep_ = true;
    std::unique_lock lock(mutex_);
    woken_condition_.wait(lock, [this] { return woken_; });
  }
  void wake_up() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    woken_condition_.notify_all();
  }
  bool asleep() const { return asleep_; }

 private:
  std::mutex mutex_;
  std::condition_variable woken_condition_;
  std::atomic<bool> asleep_ = false;
  bool woken_ = false;
};

// A worker on a thread, taken for a process that a kill does not end before it wakes up.
class SleepingProcess : public WorkerProcess {
 public:
  explicit SleepingProcess(std::unique_ptr<WorkerProcess> thread) : thread_(std::move(thread)) {}
  int exit_fd() const override { return thread_->exit_fd(); }
  pid_t pid() const override { return getpid(); }
  void kill() override {}
  std::optional<WorkerExit> reap() override {
    if (!thread_->reap()) return std::nullopt;
    WorkerExit exit;
    exit.signal = SIGKILL;
    return exit;
  }

 private:
  std::unique_ptr<WorkerProcess> thread_;
};

// The first worker is such a process, and follows a script; the other first ones begin when it is
// asleep.
class SleepingLauncher : public ThreadLauncher {
 public:
  using Script = std::function<void(ipc::WorkerLink& link, const ipc::Order& order)>;

  SleepingLauncher(Script script, const Sleep& sleep, int workers, milliseconds lost_limit)
      : ThreadLauncher(
            [script = std::move(script), &sleep, workers](int number, ipc::WorkerLink link) {
              if (number > 0 && number < workers) test::wait_until([&] { return sleep.asleep(); });
              if (number != 0) return run_worker(number, std::move(link));
              const std::optional<ipc::Task> task = link.wait_for_task();
              if (task && std::holds_alternative<ipc::Order>(*task)) {
                script(link, std::get<ipc::Order>(*task));
              }
            }),
        lost_limit_(lost_limit) {}

  std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) override {
    auto worker = ThreadLauncher::launch(std::move(worker_end));
    if (std::exchange(first_, false)) return std::make_unique<SleepingProcess>(std::move(worker));
    return worker;
  }
  milliseconds kill_limit() const override { return milliseconds(50); }
  milliseconds lost_limit() const override { return lost_limit_; }

 private:
  const milliseconds lost_limit_;
  bool first_ = true;
};

// 1000 rows in 100 chunks. Worker 0 falls asleep in the first chunk of its partition.
class LostWorkerTest : public testing::Test {
 protected:
  ~LostWorkerTest() override { sleep_.wake_up(); }

  void make_engine(milliseconds lost_limit, SleepingLauncher::Script script, int workers = 2) {
    engine_ = std::make_unique<EngineCore>(
        std::make_unique<SleepingLauncher>(std::move(script), sleep_, workers, lost_limit), workers,
        std::vector<std::string>{test::test_plugin("gristmill-test-kernels").string(),
                                 test::test_plugin("gristmill-test-spaces").string()});
  }
  void make_engine(milliseconds lost_limit = kNever, int workers = 2) {
    make_engine(
        lost_limit,
        [this](ipc::WorkerLink& link, const ipc::Order& order) { sleep_in_chunk(link, order); },
        workers);
  }

  static JobSpec hurried(JobSpec spec) {
    spec.faults.chunk_timeout = milliseconds(1);
    return spec;
  }
  JobSpec rows() const { return hurried(rows_.spec(ChunkSize::items(kChunkItems))); }

  // All items but those of one chunk.
  static void wait_for_all_others(const Job& job) {
    test::wait_until([&] { return job.progress().items_done == 990; });
  }

  // Claims all its partition, as workers do, and is in its first chunk for ever.
  void sleep_in_chunk(ipc::WorkerLink& link, const ipc::Order& order) {
    std::vector<ipc::UniqueFd> fds;
    const auto message = link.wait_for_message(fds);
    const auto& open = std::get<ipc::OpenJob>(*message);
    const ipc::WritableMapping mapping(fds.at(open.control.fd_index).get(),
                                       open.control.range_offset, open.control.range_bytes);
    const ipc::ControlSegment control(mapping.bytes(), open.slots, open.chunks,
                                      open.emit ? open.chunks : 0);
    ipc::SlotWords& words = control.slot(open.slot);
    const std::uint64_t partition = words.partition.exchange(0);
    const std::uint32_t chunk = ipc::unpack_range(partition).begin;
    words.lease = partition;
    words.executing = ipc::stamp_of(order.job, chunk);
    std::optional<ipc::WritableMapping> output;
    std::span<std::byte> rows;
    if (!open.output_placements.empty() && open.output_placements[0]) {
      const ipc::Placement& place = *open.output_placements[0];
      output.emplace(fds.at(place.fd_index).get(), place.range_offset, place.range_bytes);
      rows = output->bytes().subspan(static_cast<std::size_t>(place.array_offset),
                                     kChunkItems * sizeof(std::int64_t));
    }
    sleep_.until_woken();
    was_run_by_others_ = control.ledger(chunk) == ipc::ledger_tag(open.ledger_key, chunk);
    control_is_the_jobs_ = control.stop() == order.job;
    // The system call that it was in.
    std::fill(rows.begin(), rows.end(), std::byte{0x77});
    last_write_.set_value();
  }

  Sleep sleep_;
  std::atomic<bool> was_run_by_others_ = false;
  std::atomic<bool> control_is_the_jobs_ = false;
  std::promise<void> last_write_;
  test::RowHashJob rows_{1000, 2, 5};
  std::unique_ptr<EngineCore> engine_;
};

TEST_F(LostWorkerTest, OthersDoAllButItsChunkWhichGoesBackWhenItEnds) {
  make_engine();
  Job job = engine_->submit(rows());
  wait_for_all_others(job);
  EXPECT_EQ(job.progress().workers_stopped, 1);
  EXPECT_FALSE(job.progress().finished);
  sleep_.wake_up();
  const Result result = job.wait();
  rows_.check(result);
  EXPECT_FALSE(was_run_by_others_);
  const FaultReport& faults = result.summary().faults;
  EXPECT_EQ(faults.lost, 1);
  ASSERT_EQ(faults.attempts.size(), 1U);
  EXPECT_EQ(faults.attempts[0].chunk, 0);
  EXPECT_EQ(faults.attempts[0].cause, FaultCause::kTimeout);
}

TEST_F(LostWorkerTest, TheOnlyOneHasASuccessorForAllOtherChunks) {
  make_engine(kNever, 1);
  Job job = engine_->submit(rows());
  wait_for_all_others(job);
  sleep_.wake_up();
  rows_.check(job.wait());
  EXPECT_FALSE(was_run_by_others_);
}

TEST_F(LostWorkerTest, AJobThatWaitsTooLongForItFailsAndNamesProcessAndChunk) {
  make_engine(milliseconds(100));
  const Result result = engine_->submit(rows()).wait();
  ASSERT_EQ(result.outcome(), Outcome::kFailed);
  const Error& error = *result.error();
  EXPECT_THAT(error.message(), HasSubstr("worker 0 (process " + std::to_string(getpid()) +
                                         ") was killed and does not end, in chunk 0, rows 0 to 9"));
  EXPECT_THAT(error.detail(), HasSubstr("in state "));
  EXPECT_THAT(error.hint(), HasSubstr("file system"));
  EXPECT_EQ(result.summary().chunks_done, 99);
  EXPECT_EQ(result.summary().items_done, 990);
}

TEST_F(LostWorkerTest, WhatItMayWriteIsNotUsedAgain) {
  make_engine(milliseconds(100));
  ASSERT_EQ(engine_->submit(rows()).wait().outcome(), Outcome::kFailed);
  const Result next = engine_->submit(rows_.spec(ChunkSize::items(kChunkItems))).wait();
  EXPECT_EQ(next.summary().plan.workers, 2);
  sleep_.wake_up();
  last_write_.get_future().wait();
  rows_.check(next);
  EXPECT_TRUE(control_is_the_jobs_);
}

TEST_F(LostWorkerTest, ACancelDoesNotWaitForIt) {
  make_engine();
  Job job = engine_->submit(rows_.spec(ChunkSize::items(kChunkItems)));
  test::wait_until([&] { return sleep_.asleep(); });
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
}

TEST_F(LostWorkerTest, OutsideOfAnyChunkNobodyWaitsForIt) {
  make_engine(kNever, [this](ipc::WorkerLink& link, const ipc::Order&) {
    link.send(ipc::Planned{});
    sleep_.until_woken();
  });
  const Result result = engine_->submit(rows_.spec(ChunkSize::items(kChunkItems))).wait();
  rows_.check(result);
  EXPECT_EQ(result.summary().faults.lost, 1);
}

TEST_F(LostWorkerTest, OneThatDoesNotCloseADoneJobDoesNotKeepIt) {
  make_engine(kNever, [this](ipc::WorkerLink& link, const ipc::Order& order) {
    link.send(ipc::Idle{order.job, order.seq});
    sleep_.until_woken();
  });
  rows_.check(engine_->submit(rows_.spec(ChunkSize::items(kChunkItems))).wait());
}

TEST_F(LostWorkerTest, ItsRowsOfAnEmitAreNotWrittenOver) {
  make_engine();
  const test::SpacesJob spaces("emit", "rows", {.rows = 1000});
  Job job = engine_->submit(hurried(spaces.spec(ChunkSize::items(kChunkItems))));
  wait_for_all_others(job);
  sleep_.wake_up();
  const Result result = job.wait();
  spaces.check(result);
  EXPECT_FALSE(was_run_by_others_);
  EXPECT_EQ(result.summary().faults.restarts, 1) << "when the process had ended";
}

}  // namespace
}  // namespace gristmill::engine
