#include "engine/job_state.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "engine/result_arrays.h"
#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill {
namespace {

using namespace std::chrono_literals;

class JobStateTest : public testing::Test {
 protected:
  static std::shared_ptr<JobState> state_of(std::int64_t items,
                                            std::shared_ptr<const ipc::Doorbell> bell) {
    engine::PlannedJob job;
    job.plan.items = items;
    return std::make_shared<JobState>(std::move(job), std::move(bell));
  }

  static Result result(Outcome outcome, std::int64_t items_done) {
    JobSummary summary;
    summary.items_done = items_done;
    summary.elapsed = std::chrono::seconds(7);
    return {
        outcome, std::nullopt, std::move(summary),
        std::make_shared<const ResultArrays>(std::vector<std::shared_ptr<engine::OutputArray>>())};
  }

  bool bell_rang() const {
    pollfd bell{bell_->fd(), POLLIN, 0};
    return poll(&bell, 1, 0) == 1;
  }

  std::shared_ptr<const ipc::Doorbell> bell_ =
      std::make_shared<const ipc::Doorbell>(ipc::Doorbell::create());
  std::shared_ptr<JobState> state_ = state_of(100, bell_);
};

TEST_F(JobStateTest, WaitForGivesUpAtItsLimit) {
  EXPECT_FALSE(state_->wait_for(0ms));
  EXPECT_FALSE(state_->wait_for(1ms));
  state_->finish(result(Outcome::kDone, 100));
  EXPECT_TRUE(state_->wait_for(0ms));
}

TEST_F(JobStateTest, AllThatWaitGetTheResult) {
  std::atomic<int> done = 0;
  std::thread first([&] { done += state_->wait().done() ? 1 : 0; });
  std::thread second([&] { done += state_->wait().done() ? 1 : 0; });
  state_->finish(result(Outcome::kDone, 100));
  first.join();
  second.join();
  EXPECT_EQ(done, 2);
  EXPECT_TRUE(state_->wait().done()) << "and again later";
}

TEST_F(JobStateTest, CancelRingsTheCoordinator) {
  EXPECT_FALSE(state_->cancel_requested());
  EXPECT_FALSE(bell_rang());
  state_->cancel();
  EXPECT_TRUE(state_->cancel_requested());
  EXPECT_TRUE(bell_rang());
}

TEST_F(JobStateTest, HasNoProgressBeforeItRuns) {
  const Progress progress = state_->progress();
  EXPECT_EQ(progress.items_done, 0);
  EXPECT_EQ(progress.items_total, 100);
  EXPECT_EQ(progress.workers_running, 0);
  EXPECT_FALSE(progress.finished);
}

TEST_F(JobStateTest, ProgressIsTheSumOfTheWorkersCounters) {
  const ipc::Segment segment = ipc::Segment::create(ipc::ControlSegment::size_bytes(2, 10));
  const ipc::WritableMapping mapping(segment.fd(), 0, segment.size_bytes());
  const auto control = std::make_shared<ipc::ControlSegment>(mapping.bytes(), 2, 10);
  control->slot(0).items_done = 30;
  control->slot(1).items_done = 12;
  state_->set_running(control);
  EXPECT_EQ(state_->progress().items_done, 42);
  EXPECT_EQ(state_->progress().workers_running, 2);
  control->slot(1).items_done = 1'000'000;
  EXPECT_EQ(state_->progress().items_done, 100) << "a worker's word is not believed further";
}

TEST_F(JobStateTest, ProgressAfterTheEndIsThatOfTheResult) {
  state_->finish(result(Outcome::kCancelled, 64));
  const Progress progress = state_->progress();
  EXPECT_TRUE(progress.finished);
  EXPECT_EQ(progress.items_done, 64);
  EXPECT_EQ(progress.elapsed, std::chrono::seconds(7));
  EXPECT_EQ(progress.workers_running, 0);
}

TEST_F(JobStateTest, AJobIsAHandleToIt) {
  Job job(state_);
  Job copy = job;
  copy.cancel();
  EXPECT_TRUE(state_->cancel_requested());
  state_->finish(result(Outcome::kCancelled, 0));
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  EXPECT_TRUE(copy.wait_for(0ms));
}

}  // namespace
}  // namespace gristmill
