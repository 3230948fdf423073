#include <csignal>

#include "tests/process/process_test.h"
#include "tests/support/error_of.h"

namespace gristmill::test {
namespace {

using WorkerDeathTest = ProcessTest;

struct Ending {
  const char* how;
  const char* words;
};

class WorkerEndingTest : public ProcessTest, public testing::WithParamInterface<Ending> {};

// Item 35 is in chunk 3.
TEST_P(WorkerEndingTest, InAChunkThreeTimesFailsTheJobAndNamesChunkRowsAndWorker) {
  const auto engine = engine_of(3);
  const Result result = engine->submit(misbehaving_at(35, GetParam().how)).wait();
  expect_failure(
      result, {"kernel \"misbehave\"", "worker ", GetParam().words, "in chunk 3, rows 30 to 39"});
  EXPECT_EQ(result.error()->code(), ErrorCode::kFailed);
  EXPECT_THAT(result.error()->detail(), testing::HasSubstr("It was tried 3 times"));
  ASSERT_EQ(result.summary().faults.attempts.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const FailedAttempt& attempt = result.summary().faults.attempts[static_cast<std::size_t>(i)];
    EXPECT_EQ(attempt.chunk, 3);
    EXPECT_EQ(attempt.attempt, i + 1);
    EXPECT_THAT(attempt.what, testing::HasSubstr(GetParam().words));
  }
  expect_good_engine(*engine);
}

TEST_P(WorkerEndingTest, WhileTheJobIsOpenedFailsIt) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(misbehaving({{"open", GetParam().how}})).wait();
  expect_failure(result, {"worker ", GetParam().words, "outside of any chunk"});
  expect_good_engine(*engine);
}

TEST_P(WorkerEndingTest, WhileAJobIsPlannedFailsItsSubmission) {
  const auto engine = engine_of(2);
  const Error error = error_of([&] { engine->submit(misbehaving({{"plan", GetParam().how}})); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("plan kernel \"misbehave\""));
  EXPECT_THAT(error.message(), testing::HasSubstr(GetParam().words));
  expect_good_engine(*engine);
}

TEST_P(WorkerEndingTest, WhileAnEndedJobIsClosedHarmsNothing) {
  const auto engine = engine_of(2);
  EXPECT_TRUE(engine->submit(misbehaving({{"close", GetParam().how}})).wait().done());
  expect_good_engine(*engine);
}

INSTANTIATE_TEST_SUITE_P(Endings, WorkerEndingTest,
                         testing::Values(Ending{"segfault", "was killed by SIGSEGV"},
                                         Ending{"fpe", "was killed by SIGFPE"},
                                         Ending{"abort", "was killed by SIGABRT"},
                                         Ending{"terminate", "was killed by SIGABRT"},
                                         Ending{"stack_overflow", "was killed by SIGSEGV"},
                                         Ending{"exit0", "ended with exit code 0"},
                                         Ending{"exit3", "ended with exit code 3"}),
                         [](const auto& test) { return std::string(test.param.how); });

struct Refusal {
  const char* how;
  ErrorCode code;
  const char* text;
};

class KernelErrorTest : public ProcessTest, public testing::WithParamInterface<Refusal> {};

TEST_P(KernelErrorTest, InAChunkIsTheJobsErrorWithChunkAndRows) {
  const auto engine = engine_of(3);
  const Result result = engine->submit(misbehaving_at(99, GetParam().how)).wait();
  expect_failure(
      result, {"kernel \"misbehave\": ", GetParam().text, "It failed in chunk 9, rows 90 to 99."});
  EXPECT_EQ(result.error()->code(), GetParam().code);
  expect_good_engine(*engine);
}

TEST_P(KernelErrorTest, WhileTheJobIsOpenedIsTheJobsError) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(misbehaving({{"open", GetParam().how}})).wait();
  expect_failure(result, {GetParam().text});
  EXPECT_THAT(result.error()->detail(), testing::Not(testing::HasSubstr("chunk")));
  expect_good_engine(*engine);
}

TEST_P(KernelErrorTest, WhileAJobIsPlannedIsThatOfItsSubmission) {
  const auto engine = engine_of(2);
  const Error error = error_of([&] { engine->submit(misbehaving({{"plan", GetParam().how}})); });
  EXPECT_EQ(error.code(), GetParam().code);
  EXPECT_THAT(error.message(), testing::HasSubstr(GetParam().text));
  expect_good_engine(*engine);
}

INSTANTIATE_TEST_SUITE_P(
    Errors, KernelErrorTest,
    testing::Values(Refusal{"failed", ErrorCode::kFailed, "this is what went wrong"},
                    Refusal{"invalid", ErrorCode::kInvalid, "this does not suit me"},
                    Refusal{"no_memory", ErrorCode::kResources, "out of memory"},
                    Refusal{"throw", ErrorCode::kFailed, "a plain exception"},
                    Refusal{"throw_int", ErrorCode::kFailed, "no std::exception"}),
    [](const auto& test) { return std::string(test.param.how); });

TEST_F(WorkerDeathTest, TheHintOfAKernelReachesTheCaller) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(misbehaving_at(0, "failed")).wait();
  ASSERT_TRUE(result.error());
  EXPECT_EQ(result.error()->hint(), "This may help.");
}

TEST_F(WorkerDeathTest, ByAKillFromOutsideCostsOneMoreRunOfTheChunk) {
  const auto engine = engine_of(3);
  const GateFolder gate;
  Job job = engine->submit(
      misbehaving({{"at", std::int64_t{42}}, {"how", "wait"}, {"folder", gate.path()}}));
  ASSERT_TRUE(signal_child(gate.wait_for_worker_at(42), SIGKILL));
  gate.open();
  const Result result = job.wait();
  ASSERT_TRUE(result.done());
  ASSERT_EQ(result.summary().faults.attempts.size(), 1U);
  const FailedAttempt& attempt = result.summary().faults.attempts[0];
  EXPECT_EQ(attempt.cause, FaultCause::kKilled);
  EXPECT_EQ(attempt.chunk, 4);
  EXPECT_EQ(attempt.begin, 40);
  EXPECT_EQ(attempt.end, 50);
  expect_good_engine(*engine);
}

TEST_F(WorkerDeathTest, OfAllWorkersAtOnceIsMended) {
  const auto engine = engine_of(3);
  const GateFolder gate;
  Job job = engine->submit(
      misbehaving({{"at", std::int64_t{-1}}, {"how", "wait"}, {"folder", gate.path()}}));
  wait_until([&] { return gate.announcements() == 3; });
  const std::vector<pid_t> workers = child_processes();
  for (const pid_t worker : workers) ASSERT_TRUE(signal_child(worker, SIGKILL));
  gate.open();
  EXPECT_TRUE(job.wait().done());
  // A dead planner is noticed at the next question; one that dies while it is asked is an error.
  wait_until([&] { return process_state(workers.back()) == 'Z'; });
  expect_good_engine(*engine);
}

TEST_F(WorkerDeathTest, BetweenJobsIsNotNoticed) {
  const auto engine = engine_of(2);
  expect_good_engine(*engine);
  const std::vector<pid_t> workers = child_processes();
  for (const pid_t worker : {workers[0], workers[1]}) {
    ASSERT_TRUE(signal_child(worker, SIGKILL));
    wait_until([&] { return process_state(worker) == '\0'; });
    expect_good_engine(*engine);
  }
}

TEST_F(WorkerDeathTest, OfThePlannerIsNotNoticed) {
  const auto engine = engine_of(2);
  const pid_t planner = child_processes().back();
  ASSERT_TRUE(signal_child(planner, SIGKILL));
  wait_until([&] { return process_state(planner) == 'Z'; });
  expect_good_engine(*engine);
}

TEST_F(WorkerDeathTest, OfEverybodyBetweenJobsIsNotNoticed) {
  const auto engine = engine_of(3);
  const std::vector<pid_t> workers = child_processes();
  for (const pid_t worker : workers) ASSERT_TRUE(signal_child(worker, SIGKILL));
  for (std::size_t i = 0; i + 1 < workers.size(); ++i) {
    wait_until([&] { return process_state(workers[i]) == '\0'; });
  }
  wait_until([&] { return process_state(workers.back()) == 'Z'; });
  expect_good_engine(*engine);
}

// The system then throws exit statuses away.
TEST_F(WorkerDeathTest, IsNoticedWhenTheCallerIgnoresItsChildren) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  {
    const auto engine = engine_of(2);
    expect_good_engine(*engine);
    const GateFolder gate;
    Job killed = engine->submit(
        misbehaving({{"at", std::int64_t{42}}, {"how", "wait"}, {"folder", gate.path()}}));
    ASSERT_TRUE(signal_child(gate.wait_for_worker_at(42), SIGKILL));
    gate.open();
    const Result mended = killed.wait();
    ASSERT_TRUE(mended.done());
    EXPECT_EQ(mended.summary().faults.attempts.at(0).what, "ended for an unknown reason");
    expect_good_engine(*engine);
    const GateFolder second;
    Job hung = engine->submit(
        misbehaving({{"at", std::int64_t{-1}}, {"how", "hang"}, {"folder", second.path()}}));
    wait_until([&] { return second.announcements() == 2; });
    hung.cancel();
    const Result result = hung.wait();
    EXPECT_EQ(result.outcome(), Outcome::kCancelled);
    EXPECT_FALSE(result.error());
    expect_good_engine(*engine);
  }
  std::signal(SIGCHLD, before);
}

class LoadingTest : public ProcessTest {
 protected:
  static Error loading_error(const std::string& plugin) {
    Engine engine({.workers = 2, .plugins = {test_plugin(plugin)}});
    Error error = error_of([&] { engine.kernels(); });
    // It is no better the second time.
    EXPECT_EQ(error_of([&] { engine.submit({.kernel = "nearest"}); }).code(), error.code());
    return error;
  }
};

TEST_F(LoadingTest, APlugInThatAbortsIsAnErrorThatNamesIt) {
  const Error error = loading_error("gristmill-test-abort-at-load");
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("gristmill-test-abort-at-load.so"));
  EXPECT_THAT(error.message(), testing::HasSubstr("was killed by SIGABRT"));
}

TEST_F(LoadingTest, APlugInThatExitsIsAnErrorThatNamesIt) {
  const Error error = loading_error("gristmill-test-exit-at-load");
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("gristmill-test-exit-at-load.so"));
  EXPECT_THAT(error.message(), testing::HasSubstr("ended with exit code 0"));
}

TEST_F(LoadingTest, AMissingPlugInIsFoundBeforeAnyWorkerIsStarted) {
  EXPECT_EQ(error_of([] { Engine({.workers = 2, .plugins = {"/nowhere/plugin.so"}}); }).code(),
            ErrorCode::kInvalid);
}

TEST_F(LoadingTest, AMissingWorkerProgramIsAnError) {
  const Error error = error_of([] { Engine({.workers = 2, .worker_program = "/nowhere/worker"}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("/nowhere/worker"));
}

TEST_F(LoadingTest, AWorkerProgramThatIsAnotherOneIsAnError) {
  Engine engine({.workers = 2, .worker_program = "/bin/true"});
  const Error error = error_of([&] { engine.kernels(); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("exit code 0"));
}

}  // namespace
}  // namespace gristmill::test
