#include <csignal>
#include <cstdlib>

#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

struct Step {
  const char* point;
  int hit;
};

// One of two workers is stopped or killed at a step of a claim (ipc/test_point.h). The half of
// the items that one worker starts with is slow, so that the other one steals.
class TestPointsTest : public ProcessTest, public testing::WithParamInterface<Step> {
 protected:
  static constexpr std::int64_t kItems = 400;
  // A lease is at most a quarter of a partition.
  static constexpr std::int64_t kMostInALease = kItems / 2 / 4;

  std::string wish() const {
    return GetParam().point + (":" + std::to_string(GetParam().hit)) + ":" + token();
  }
  std::string token() const { return folder_ / "first"; }
  // The worker that has reached the step; 0: none yet.
  pid_t reached() const { return std::atoi(text_of(token()).c_str()); }

  static std::unique_ptr<Engine> engine_of_two() {
    return engine_of(2, GRISTMILL_BIN_DIR "/gristmill-worker-test-points");
  }

  JobSpec spec() const {
    JobSpec spec = rows_.spec(ChunkSize::items(2));
    spec.params["slow_below"] = kItems / 2;
    spec.params["slow_ns"] = std::int64_t{50'000};
    return spec;
  }

  // Runs jobs until one worker has reached the step in one of them. It is rarely the second:
  // whether a worker steals is up to the scheduler.
  Job run_until_reached(Engine& engine) const {
    for (;;) {
      Job job = engine.submit(spec());
      wait_until([&] { return reached() != 0 || job.progress().finished; });
      if (reached() != 0) return job;
      rows_.check(job.wait());
    }
  }

  Job run_until_stopped(Engine& engine) const {
    Job job = run_until_reached(engine);
    wait_until([&] { return process_state(reached()) == 'T'; });
    return job;
  }

  // The kernel never sleeps, so a worker that sleeps after its work has begun has found nothing
  // more.
  void wait_for_the_other_worker(const Job& job) const {
    wait_until([&] {
      if (job.progress().items_done < kItems - kMostInALease) return false;
      for (const pid_t worker : child_processes()) {
        if (worker != reached() && process_state(worker) != 'S') return false;
      }
      return true;
    });
  }

  TemporaryFolder folder_;
  RowHashJob rows_{kItems, 2, 21};
};

class StaleWorkerTest : public TestPointsTest {};

TEST_P(StaleWorkerTest, GoesOnWhenTheOtherHasDoneTheRestAndTheResultIsExact) {
  const EnvironmentVariable stop("GRISTMILL_STOP", wish());
  const auto engine = engine_of_two();
  Job job = run_until_stopped(*engine);
  wait_for_the_other_worker(job);
  EXPECT_FALSE(job.wait_for(std::chrono::milliseconds(0)));
  ASSERT_TRUE(signal_child(reached(), SIGCONT));
  rows_.check(job.wait());
  expect_good_engine(*engine);
}

TEST_P(StaleWorkerTest, IsEndedWhenTheJobIsCancelledAndTheNextJobIsExact) {
  const EnvironmentVariable stop("GRISTMILL_STOP", wish());
  const auto engine = engine_of_two();
  Job job = run_until_stopped(*engine);
  Job next = engine->submit(spec());
  job.cancel();
  const Result result = job.wait();
  EXPECT_NE(result.outcome(), Outcome::kFailed);
  EXPECT_EQ(process_state(reached()), '\0');
  rows_.check(next.wait());
  expect_good_engine(*engine);
}

TEST_P(StaleWorkerTest, GoesOnInACancelledJobAndTheNextJobIsExact) {
  const EnvironmentVariable stop("GRISTMILL_STOP", wish());
  const auto engine = engine_of_two();
  Job job = run_until_stopped(*engine);
  Job next = engine->submit(spec());
  job.cancel();
  // Nothing is lost if the coordinator has killed it first.
  signal_child(reached(), SIGCONT);
  EXPECT_NE(job.wait().outcome(), Outcome::kFailed);
  rows_.check(next.wait());
  expect_good_engine(*engine);
}

class KillPointTest : public TestPointsTest {};

TEST_P(KillPointTest, CostsNothingButTheChunkThatItWasIn) {
  const EnvironmentVariable kill("GRISTMILL_KILL", wish());
  const auto engine = engine_of_two();
  Job job = run_until_reached(*engine);
  const std::string point = GetParam().point;
  const bool in_chunk = point == "after-stamp" || point == "before-done";
  const Result result = job.wait();
  rows_.check(result);
  const FaultReport& faults = result.summary().faults;
  ASSERT_EQ(faults.attempts.size(), 1U);
  EXPECT_EQ(faults.attempts[0].cause, FaultCause::kKilled);
  EXPECT_EQ(faults.attempts[0].chunk >= 0, in_chunk);
  EXPECT_EQ(faults.attempts[0].attempt, in_chunk ? 1 : 0);
  EXPECT_LE(faults.restarts, 1) << "the other may have finished it first";
  EXPECT_EQ(result.summary().chunks_done, kItems / 2);
  EXPECT_EQ(result.summary().items_done, kItems);
  expect_good_engine(*engine);
}

const auto kSteps =
    testing::Values(Step{"before-claim", 1}, Step{"before-claim", 3}, Step{"after-claim", 1},
                    Step{"after-claim", 3}, Step{"after-publish", 1}, Step{"after-publish", 4},
                    Step{"before-steal", 1}, Step{"before-steal", 2}, Step{"after-steal", 1},
                    Step{"after-steal", 2}, Step{"before-stamp", 1}, Step{"before-stamp", 40},
                    Step{"after-stamp", 1}, Step{"after-stamp", 40}, Step{"before-done", 1},
                    Step{"before-done", 40}, Step{"after-done", 1}, Step{"after-done", 40});

std::string name_of_step(const testing::TestParamInfo<Step>& info) {
  std::string name = info.param.point + ("_" + std::to_string(info.param.hit));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Steps, StaleWorkerTest, kSteps, name_of_step);
INSTANTIATE_TEST_SUITE_P(Steps, KillPointTest, kSteps, name_of_step);

class AllWorkersKilledTest : public TestPointsTest {};

TEST_P(AllWorkersKilledTest, FailsTheJobAndNothingHangs) {
  const EnvironmentVariable kill("GRISTMILL_KILL", GetParam().point);
  const auto engine = engine_of_two();
  expect_failure(engine->submit(spec()).wait(), {"was killed by SIGKILL"});
}

INSTANTIATE_TEST_SUITE_P(Steps, AllWorkersKilledTest,
                         testing::Values(Step{"before-claim", 1}, Step{"after-stamp", 1}),
                         name_of_step);

// Each worker does a chunk before it dies.
using DyingWorkersTest = TestPointsTest;

TEST_F(DyingWorkersTest, AfterAChunkFinishTheJobNevertheless) {
  const EnvironmentVariable kill("GRISTMILL_KILL", "after-done");
  const auto engine = engine_of_two();
  JobSpec few = spec();
  few.chunk_size = ChunkSize::items(20);
  const Result result = engine->submit(few).wait();
  rows_.check(result);
  EXPECT_EQ(result.summary().faults.attempt_count, 20);
}

}  // namespace
}  // namespace gristmill::test
