#include <atomic>
#include <csignal>
#include <random>
#include <thread>

#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

using RandomKillsTest = ProcessTest;

// Whatever is killed whenever: a job that was planned is done, and exact.
TEST_F(RandomKillsTest, OfWorkersAreMended) {
  constexpr int kJobs = 150;
  constexpr std::uint32_t kSeed = 20'240'811;
  RecordProperty("seed", static_cast<int>(kSeed));
  const auto engine = engine_of(3);
  const RowHashJob rows(600, 2, 5);
  JobSpec spec = rows.spec(ChunkSize::items(3));
  spec.params["slow_below"] = std::int64_t{200};
  spec.params["slow_ns"] = std::int64_t{30'000};

  std::atomic<bool> over = false;
  std::atomic<int> kills = 0;
  std::thread killer([&] {
    std::mt19937 random(kSeed);
    while (!over) {
      const std::vector<pid_t> workers = child_processes();
      if (!workers.empty() && signal_child(workers[random() % workers.size()], SIGKILL)) ++kills;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    }
  });
  int done = 0;
  int failed = 0;
  for (int i = 0; i < kJobs; ++i) {
    try {
      const Result result = engine->submit(spec).wait();
      rows.check(result);
      for (const FailedAttempt& attempt : result.summary().faults.attempts) {
        EXPECT_EQ(attempt.cause, FaultCause::kKilled);
      }
      ++done;
    } catch (const Error& error) {
      // The planner was killed while it was asked.
      EXPECT_THAT(error.message(), testing::HasSubstr("SIGKILL"));
      ++failed;
    }
  }
  over = true;
  killer.join();
  EXPECT_EQ(done + failed, kJobs);
  RecordProperty("done", done);
  RecordProperty("kills", kills);
  wait_until([&] {
    try {
      return engine->submit(spec).wait().done();
    } catch (const Error&) {
      return false;
    }
  });
  expect_good_engine(*engine);
}

}  // namespace
}  // namespace gristmill::test
