#include <algorithm>
#include <cmath>
#include <csignal>
#include <numeric>
#include <random>
#include <thread>

#include "tests/plugins/item_hash.h"
#include "tests/process/process_test.h"
#include "tests/support/error_of.h"
#include "tests/support/sanitizers.h"

namespace gristmill::test {
namespace {

using testing::HasSubstr;

// 100 items in chunks of 10; item 35 is in chunk 3.
class MendingTest : public ProcessTest {
 protected:
  static JobSpec skipping(std::map<std::string, ParamValue> params) {
    JobSpec spec = misbehaving(std::move(params));
    spec.faults.on_error = OnError::kSkip;
    return spec;
  }
  // All hashes but those of items [begin, end), which are the fill value.
  static void expect_hashes_but(const Result& result, std::int64_t begin, std::int64_t end,
                                std::int64_t fill) {
    ASSERT_TRUE(result.done());
    const std::span<const std::int64_t> hashes = result.array("hash").as<std::int64_t>();
    for (std::int64_t i = 0; i < 100; ++i) {
      const bool filled = i >= begin && i < end;
      EXPECT_EQ(hashes[static_cast<std::size_t>(i)], filled ? fill : item_hash(i, {}, 0)) << i;
    }
  }
  static void expect_quarantined(const Result& result, std::int64_t chunk, std::int64_t begin,
                                 std::int64_t end, const std::string& why) {
    const FaultReport& faults = result.summary().faults;
    ASSERT_EQ(faults.quarantined.size(), 1U);
    EXPECT_EQ(faults.quarantined[0].chunk, chunk);
    EXPECT_EQ(faults.quarantined[0].begin, begin);
    EXPECT_EQ(faults.quarantined[0].end, end);
    EXPECT_THAT(faults.quarantined[0].why, HasSubstr(why));
    EXPECT_EQ(result.summary().items_done, 100 - (end - begin));
  }
};

TEST_F(MendingTest, AChunkThatAlwaysCrashesIsQuarantinedAndTheRestIsExact) {
  const auto engine = engine_of(3);
  const Result result = engine->submit(skipping({{"at", 35}, {"how", "segfault"}})).wait();
  expect_hashes_but(result, 30, 40, 0);
  expect_quarantined(result, 3, 30, 40, "was killed by SIGSEGV");
  EXPECT_EQ(result.summary().faults.attempt_count, 3);
  EXPECT_EQ(result.summary().chunks_done, 9);
  expect_good_engine(*engine);
}

TEST_F(MendingTest, AFillValueStandsInQuarantinedRows) {
  const auto engine = engine_of(2);
  JobSpec spec = skipping({{"at", 35}, {"how", "exit0"}});
  spec.faults.fill = -7;
  spec.faults.retries = 0;
  const Result result = engine->submit(spec).wait();
  expect_hashes_but(result, 30, 40, -7);
  EXPECT_EQ(result.summary().faults.attempt_count, 1);
}

TEST_F(MendingTest, AFillValueThatTheDtypeDoesNotHaveIsRefused) {
  const auto engine = engine_of(1);
  JobSpec spec = skipping({{"at", 35}});
  spec.faults.fill = 0.5;
  const Error error = error_of([&] { engine->submit(spec); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "the fill value 0.5 is no int64, as output \"hash\" has them");
}

TEST_F(MendingTest, ARefusedChunkIsQuarantinedWithoutASecondAttempt) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(skipping({{"at", 35}, {"how", "failed"}})).wait();
  expect_hashes_but(result, 30, 40, 0);
  expect_quarantined(result, 3, 30, 40, "this is what went wrong");
  EXPECT_EQ(result.summary().faults.attempt_count, 1);
  EXPECT_EQ(result.summary().faults.attempts[0].cause, FaultCause::kError);
  EXPECT_EQ(result.summary().faults.restarts, 0);
}

TEST_F(MendingTest, ChunksThatAreAllRefusedAreAllQuarantined) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(skipping({{"at", -1}, {"how", "failed"}})).wait();
  ASSERT_TRUE(result.done());
  EXPECT_EQ(result.summary().faults.quarantined.size(), 10U);
  EXPECT_EQ(result.summary().items_done, 0);
}

TEST_F(MendingTest, BisectionKeepsAllItemsButTheOne) {
  const auto engine = engine_of(2);
  for (const char* how : {"abort", "failed"}) {
    JobSpec spec = skipping({{"at", 35}, {"how", how}});
    spec.faults.bisect = true;
    spec.faults.fill = -1;
    const Result result = engine->submit(spec).wait();
    expect_hashes_but(result, 35, 36, -1);
    expect_quarantined(result, 3, 35, 36, how == std::string("abort") ? "SIGABRT" : "went wrong");
  }
  expect_good_engine(*engine);
}

TEST_F(MendingTest, BisectionIsForMaps) {
  const auto engine = engine_of(1);
  const std::vector<double> values(10, 0.5);
  JobSpec spec{
      .kernel = "histogram",
      .inputs = {{"values", Dataset::copy_of(ArrayView(std::span<const double>(values), {10}))}}};
  spec.faults.bisect = true;
  EXPECT_THAT(error_of([&] { engine->submit(spec); }).message(), HasSubstr("nothing to bisect"));
  spec.faults.on_error = OnError::kSkip;
  EXPECT_THAT(error_of([&] { engine->submit(spec); }).message(),
              HasSubstr("only the chunks of a map can be bisected"));
}

TEST_F(MendingTest, AHangIsKilledAtItsDeadlineAndBlamed) {
  const auto engine = engine_of(2);
  JobSpec spec = skipping({{"at", 35}, {"how", "hang"}});
  spec.faults.chunk_timeout = std::chrono::milliseconds(200);
  spec.faults.retries = 1;
  const Result result = engine->submit(spec).wait();
  expect_hashes_but(result, 30, 40, 0);
  expect_quarantined(result, 3, 30, 40, "it was in one chunk for more than 0.2 s");
  ASSERT_EQ(result.summary().faults.attempts.size(), 2U);
  EXPECT_EQ(result.summary().faults.attempts[0].cause, FaultCause::kTimeout);
  expect_good_engine(*engine);
}

TEST_F(MendingTest, AStoppedWorkerIsReplacedAndNobodyIsBlamed) {
  const auto engine = engine_of(2);
  const GateFolder gate;
  JobSpec spec = misbehaving({{"at", 35}, {"how", "wait"}, {"folder", gate.path()}});
  spec.faults.stopped_timeout = std::chrono::milliseconds(1200);
  Job job = engine->submit(spec);
  ASSERT_TRUE(signal_child(gate.wait_for_worker_at(35), SIGSTOP));
  wait_until([&] { return job.progress().workers_stopped == 1; });
  gate.open();
  const Result result = job.wait();
  expect_hashes_but(result, 0, 0, 0);
  ASSERT_EQ(result.summary().faults.attempts.size(), 1U);
  EXPECT_EQ(result.summary().faults.attempts[0].cause, FaultCause::kStopped);
  EXPECT_EQ(result.summary().faults.attempts[0].chunk, -1);
  expect_good_engine(*engine);
}

TEST_F(MendingTest, AStopOfTheCoordinatorIsNobodysTimeout) {
  const auto engine = engine_of(2);
  const GateFolder gate;
  JobSpec spec = misbehaving({{"at", 35}, {"how", "wait"}, {"folder", gate.path()}});
  spec.faults.chunk_timeout = std::chrono::milliseconds(2500);
  Job job = engine->submit(spec);
  gate.wait_for_worker_at(35);
  // A child wakes this process up again.
  const pid_t self = getpid();
  if (const pid_t child = fork(); child == 0) {
    kill(self, SIGSTOP);
    usleep(3'000'000);
    kill(self, SIGCONT);
    _exit(0);
  } else {
    waitpid(child, nullptr, 0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_FALSE(job.progress().finished);
  gate.open();
  const Result result = job.wait();
  ASSERT_TRUE(result.done());
  EXPECT_EQ(result.summary().faults.attempt_count, 0);
}

TEST_F(MendingTest, AWorkerThatDiesOutsideOfAnyChunkCostsTheJobOnlyIfItDoesSoAgainAndAgain) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(skipping({{"open", "exit3"}})).wait();
  expect_failure(result, {"ended with exit code 3", "outside of any chunk"});
  EXPECT_GE(result.summary().faults.attempt_count, 6);
  expect_good_engine(*engine);
}

class MemoryLimitTest : public MendingTest {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer has more memory of its own than the limit";
  }
  static std::unique_ptr<Engine> limited_engine() {
    EngineOptions options = options_of(2);
    options.worker_memory_bytes = std::int64_t{100} << 20;
    return std::make_unique<Engine>(std::move(options));
  }
};

TEST_F(MemoryLimitTest, AChunkThatWantsMoreIsRefused) {
  const auto engine = limited_engine();
  const Result result = engine->submit(skipping({{"at", 35}, {"how", "grow"}})).wait();
  expect_hashes_but(result, 30, 40, 0);
  expect_quarantined(result, 3, 30, 40, "out of memory");
  expect_good_engine(*engine);
}

TEST_F(MemoryLimitTest, ALeakingWorkerIsReplacedBetweenChunks) {
  const auto engine = limited_engine();
  JobSpec spec = misbehaving({{"at", -1}, {"how", "leak"}, {"items", std::int64_t{300}}});
  spec.chunk_size = ChunkSize::items(3);
  const Result result = engine->submit(spec).wait();
  ASSERT_TRUE(result.done()) << result.error()->message();
  // 100 chunks of 4 MiB, and a worker has about 18 of them in three quarters of the limit.
  EXPECT_GE(result.summary().faults.retired, 3);
  EXPECT_EQ(result.summary().faults.attempt_count, 0);
  const auto hashes = result.array("hash").as<std::int64_t>();
  for (std::int64_t i = 0; i < 300; ++i) {
    ASSERT_EQ(hashes[static_cast<std::size_t>(i)], item_hash(i, {}, 0));
  }
  expect_good_engine(*engine);
}

// Workers of a reduce and an emit are killed at random; the result is that of a calm run.
class KilledTest : public ProcessTest {
 protected:
  static constexpr std::int64_t kValues = 3'000'000;

  KilledTest() : values_(kValues) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::generate(values_.begin(), values_.end(), [&] { return uniform(random); });
    data_ = Dataset::copy_of(ArrayView(std::span<const double>(values_), {kValues}));
  }

  // Runs the job until so many kills have hit it, and hands over each result.
  template <class Check>
  void run_while_killing(const JobSpec& spec, int kills, const Check& check) {
    const auto engine = engine_of(3);
    std::atomic<bool> over = false;
    std::thread killer([&] {
      std::mt19937 random(11);
      while (!over) {
        std::vector<pid_t> workers = child_processes();
        if (workers.size() > 1) {
          workers.pop_back();
          signal_child(workers[random() % workers.size()], SIGKILL);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
      }
    });
    std::int64_t hit = 0;
    int planner_deaths = 0;
    while (hit < kills && planner_deaths < 100) {
      try {
        const Result result = engine->submit(spec).wait();
        EXPECT_TRUE(result.done()) << result.error()->message();
        if (!result.done()) break;
        hit += result.summary().faults.attempt_count;
        check(result);
      } catch (const Error&) {
        ++planner_deaths;  // it was killed while it was asked
      }
    }
    over = true;
    killer.join();
    EXPECT_GE(hit, kills);
  }

  std::vector<double> values_;
  std::optional<Dataset> data_;
};

TEST_F(KilledTest, WorkersOfAnExactReduceLeaveAnExactResult) {
  JobSpec spec{.kernel = "histogram",
               .inputs = {{"values", *data_}},
               .params = {{"bins", std::int64_t{50}}},
               .chunk_size = ChunkSize::items(5000)};
  const Result calm = engine_of(1)->submit(spec).wait();
  const auto expected = calm.array("count").as<std::int64_t>();
  ASSERT_EQ(std::accumulate(expected.begin(), expected.end(), std::int64_t{0}), kValues);
  run_while_killing(spec, 60, [&](const Result& result) {
    const auto counts = result.array("count").as<std::int64_t>();
    EXPECT_TRUE(std::equal(counts.begin(), counts.end(), expected.begin()));
  });
}

TEST_F(KilledTest, WorkersOfAReduceLeaveTheSameBits) {
  JobSpec spec{
      .kernel = "describe", .inputs = {{"rows", *data_}}, .chunk_size = ChunkSize::items(3000)};
  const Result calm = engine_of(1)->submit(spec).wait();
  run_while_killing(spec, 60, [&](const Result& result) {
    EXPECT_EQ(result.array("mean").as<double>()[0], calm.array("mean").as<double>()[0]);
    EXPECT_EQ(result.array("std").as<double>()[0], calm.array("std").as<double>()[0]);
  });
}

TEST_F(KilledTest, WorkersOfAnEmitLoseAndDoubleNoRow) {
  const TemporaryFolder folder;
  for (const bool to_file : {false, true}) {
    JobSpec spec{.kernel = "select",
                 .inputs = {{"rows", *data_}},
                 .params = {{"where", "< 0.3"}},
                 .outputs = {{"rows", to_file ? folder / "rows.npy" : ""}},
                 .chunk_size = ChunkSize::items(5000)};
    std::vector<double> expected;
    std::copy_if(values_.begin(), values_.end(), std::back_inserter(expected),
                 [](double value) { return value < 0.3; });
    run_while_killing(spec, 30, [&](const Result& result) {
      const Dataset rows = result.concatenated("rows");
      const auto found = rows.view().as<double>();
      ASSERT_EQ(found.size(), expected.size());
      EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin()));
    });
  }
}

}  // namespace
}  // namespace gristmill::test
