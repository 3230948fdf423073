#include <csignal>

#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

class CancelTest : public ProcessTest {
 protected:
  // A job that is in chunks at all times, until the gate is opened or it is cancelled.
  JobSpec endless(const std::string& how) const {
    return misbehaving({{"at", std::int64_t{-1}}, {"how", how}, {"folder", gate_.path()}});
  }
  void wait_for_workers(std::size_t count) const {
    wait_until([&] { return gate_.announcements() >= count; });
  }

  GateFolder gate_;
};

TEST_F(CancelTest, ARunningJobEndsAtItsNextChunk) {
  const auto engine = engine_of(2);
  Job job = engine->submit(endless("wait"));
  wait_for_workers(2);
  EXPECT_FALSE(job.wait_for(std::chrono::milliseconds(0)));
  job.cancel();
  const Result result = job.wait();
  EXPECT_EQ(result.outcome(), Outcome::kCancelled);
  EXPECT_FALSE(result.error());
  EXPECT_THROW(result.array(), Error);
  EXPECT_TRUE(job.progress().finished);
  EXPECT_LT(result.summary().chunks_done, result.summary().plan.chunks);
  expect_good_engine(*engine);
}

TEST_F(CancelTest, AQueuedJobEndsAtOnceWhileAnotherGoesOn) {
  const auto engine = engine_of(2);
  Job running = engine->submit(endless("wait"));
  const RowHashJob rows(1000, 2, 2);
  Job queued = engine->submit(rows.spec());
  Job last = engine->submit(rows.spec());
  wait_for_workers(2);
  queued.cancel();
  const Result result = queued.wait();
  EXPECT_EQ(result.outcome(), Outcome::kCancelled);
  EXPECT_EQ(result.summary().chunks_done, 0);
  EXPECT_FALSE(running.wait_for(std::chrono::milliseconds(0)));
  gate_.open();
  EXPECT_TRUE(running.wait().done());
  rows.check(last.wait());
}

TEST_F(CancelTest, AJobThatIsCancelledInTheQueueLetsGoOfItsInputs) {
  const auto engine = engine_of(1);
  Job running = engine->submit(endless("wait"));
  wait_for_workers(1);
  const std::vector<std::int64_t> values(1000, 7);
  const auto copy = [&] { return engine->copy_of(ArrayView(std::span(values), {1000})); };
  Dataset input = copy();
  const void* memory = input.view().data();
  Job queued = engine->submit({.kernel = "add_one", .inputs = {{"rows", std::move(input)}}});
  queued.cancel();
  EXPECT_EQ(queued.wait().outcome(), Outcome::kCancelled);
  // One lies where its result was to be.
  const Dataset first = copy();
  const Dataset second = copy();
  EXPECT_THAT((std::vector{first.view().data(), second.view().data()}), testing::Contains(memory));
  gate_.open();
  EXPECT_TRUE(running.wait().done());
}

TEST_F(CancelTest, AWorkerThatDoesNotLeaveItsChunkIsKilledAndNobodyIsBlamed) {
  const auto engine = engine_of(2);
  Job job = engine->submit(endless("hang"));
  wait_for_workers(2);
  const std::vector<pid_t> before = child_processes();
  job.cancel();
  const Result result = job.wait();
  EXPECT_EQ(result.outcome(), Outcome::kCancelled);
  EXPECT_FALSE(result.error());
  for (const pid_t worker : gate_.workers_at(0)) EXPECT_EQ(process_state(worker), '\0');
  expect_good_engine(*engine);
  EXPECT_NE(child_processes(), before);
}

TEST_F(CancelTest, AKernelMayLeaveACancelledChunkWithAnError) {
  const auto engine = engine_of(2);
  Job job = engine->submit(endless("fail_when_cancelled"));
  wait_for_workers(2);
  job.cancel();
  const Result result = job.wait();
  EXPECT_EQ(result.outcome(), Outcome::kCancelled);
  EXPECT_FALSE(result.error());
  expect_good_engine(*engine);
}

TEST_F(CancelTest, AStoppedWorkerIsKilled) {
  const auto engine = engine_of(2);
  Job job = engine->submit(endless("wait"));
  wait_for_workers(2);
  ASSERT_TRUE(signal_child(child_processes().front(), SIGSTOP));
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  expect_good_engine(*engine);
}

TEST_F(CancelTest, AJobThatHangsWhileItIsOpenedCanBeCancelled) {
  const auto engine = engine_of(2);
  Job job = engine->submit(misbehaving({{"open", "hang"}}));
  EXPECT_FALSE(job.wait_for(std::chrono::milliseconds(10)));
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  expect_good_engine(*engine);
}

TEST_F(CancelTest, AnEndedJobStaysAsItIs) {
  const auto engine = engine_of(2);
  const RowHashJob rows(100, 2, 1);
  Job job = engine->submit(rows.spec());
  rows.check(job.wait());
  job.cancel();
  rows.check(job.wait());
  expect_good_engine(*engine);
}

TEST_F(CancelTest, TheEndOfTheEngineCancelsItsJobs) {
  auto engine = engine_of(2);
  Job running = engine->submit(endless("wait"));
  Job queued = engine->submit(endless("wait"));
  wait_for_workers(2);
  engine.reset();
  EXPECT_TRUE(child_processes().empty());
  EXPECT_EQ(running.wait().outcome(), Outcome::kCancelled);
  EXPECT_EQ(queued.wait().outcome(), Outcome::kCancelled);
  running.cancel();
}

TEST_F(CancelTest, TheEndOfTheEngineDoesNotWaitForAKernelThatHangs) {
  auto engine = engine_of(2);
  Job job = engine->submit(endless("hang"));
  wait_for_workers(2);
  engine.reset();
  EXPECT_TRUE(child_processes().empty());
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
}

TEST_F(CancelTest, TheEndOfTheEngineDoesNotWaitForAStoppedIdleWorker) {
  auto engine = engine_of(2);
  expect_good_engine(*engine);
  for (const pid_t worker : child_processes()) ASSERT_TRUE(signal_child(worker, SIGSTOP));
  engine.reset();
  EXPECT_TRUE(child_processes().empty());
}

TEST_F(CancelTest, AJobGoesOnWhenItsHandleIsDropped) {
  const TemporaryFolder folder;
  const RowHashJob rows(1000, 2, 5);
  const auto engine = engine_of(2);
  JobSpec spec = rows.spec();
  spec.outputs = {{"hash", folder / "hash.npy"}};
  static_cast<void>(engine->submit(spec));
  expect_good_engine(*engine);  // a later job: jobs run in their order
  rows.check_hashes(Dataset::open(folder / "hash.npy").view());
}

}  // namespace
}  // namespace gristmill::test
