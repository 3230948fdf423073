#include <gtest/gtest.h>

#include <random>

#include "engine/engine_core.h"
#include "tests/support/gate_folder.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/thread_launcher.h"
#include "tests/support/visit_log.h"
#include "tests/support/wait_until.h"

namespace gristmill {
namespace {

using test::RowHashJob;

std::unique_ptr<EngineCore> engine_of_threads(int workers) {
  return std::make_unique<EngineCore>(
      std::make_unique<test::ThreadLauncher>(), workers,
      std::vector<std::string>{test::test_plugin("gristmill-test-kernels").string(),
                               test::test_plugin("gristmill-kernels").string()});
}

// One item, a handful, and not a multiple of anything; more chunks than a guided lease takes at
// once.
const std::vector<std::int64_t> kItems = {1, 2, 7, 1009, 20'011};

std::vector<ChunkSize> chunk_sizes(std::int64_t items) {
  return {ChunkSize(),          ChunkSize::items(1),
          ChunkSize::items(13), ChunkSize::items(items + 5),
          ChunkSize::bytes(1),  ChunkSize::bytes(4096)};
}

class ExactResultsTest : public testing::TestWithParam<int> {};

TEST_P(ExactResultsTest, AnyChunkSizeGivesTheBitsOfAPlainLoop) {
  const auto engine = engine_of_threads(GetParam());
  std::int64_t seed = 0;
  for (const std::int64_t items : kItems) {
    const RowHashJob job(items, 3, ++seed);
    for (const ChunkSize& chunk_size : chunk_sizes(items)) {
      SCOPED_TRACE(std::to_string(items) + " items in chunks of " +
                   std::to_string(chunk_size.count()));
      job.check(engine->submit(job.spec(chunk_size)).wait());
    }
  }
}

TEST_P(ExactResultsTest, EachItemIsVisitedOnce) {
  const auto engine = engine_of_threads(GetParam());
  for (const std::int64_t items : kItems) {
    for (const ChunkSize& chunk_size : chunk_sizes(items)) {
      const test::VisitLog log;
      const Result result = engine->submit(log.spec(items, chunk_size)).wait();
      ASSERT_TRUE(result.done());
      test::check_each_chunk_once(result);
      log.check(result);
    }
  }
}

TEST_P(ExactResultsTest, RowsAreZeroForAKernelThatAddsToThem) {
  const auto engine = engine_of_threads(GetParam());
  for (const ChunkSize& chunk_size : chunk_sizes(1009)) {
    const Result result = engine
                              ->submit({.kernel = "add_to_zero",
                                        .params = {{"items", std::int64_t{1009}}},
                                        .chunk_size = chunk_size})
                              .wait();
    ASSERT_TRUE(result.done()) << result.error()->message();
    const auto sums = result.array().as<std::int64_t>();
    ASSERT_EQ(sums.size(), 3027U);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      ASSERT_EQ(sums[i], static_cast<std::int64_t>(i % 3) + 1);
    }
  }
}

TEST_P(ExactResultsTest, JobsOfAnyKindInOneEngineDoNotDisturbEachOther) {
  constexpr int kJobs = 40;
  std::mt19937 random(static_cast<std::uint32_t>(GetParam()));
  const auto engine = engine_of_threads(GetParam());
  std::vector<std::pair<RowHashJob, Job>> jobs;
  for (int i = 0; i < kJobs; ++i) {
    const auto items = static_cast<std::int64_t>(random() % 3000);
    const auto chunk_items = static_cast<std::int64_t>(1 + random() % 100);
    RowHashJob rows(items, 1 + random() % 4, random());
    Job job = engine->submit(rows.spec(ChunkSize::items(chunk_items)));
    jobs.emplace_back(std::move(rows), std::move(job));
  }
  for (auto& [rows, job] : jobs) rows.check(job.wait());
}

TEST_P(ExactResultsTest, CancelledJobsInBetweenLeaveTheOthersExact) {
  std::mt19937 random(static_cast<std::uint32_t>(GetParam()));
  const auto engine = engine_of_threads(GetParam());
  const RowHashJob rows(5000, 2, 7);
  for (int i = 0; i < 20; ++i) {
    const test::GateFolder gate;
    // Its first chunk waits for a gate that is never opened.
    JobSpec slow = rows.spec(ChunkSize::items(7));
    slow.params = {{"slow_below", std::int64_t{5000}},
                   {"slow_ns", std::int64_t{20'000}},
                   {"folder", gate.path()}};
    Job cancelled = engine->submit(slow);
    Job kept = engine->submit(rows.spec(ChunkSize::items(11)));
    // One worker alone gets nowhere.
    const auto enough = GetParam() == 1 ? 0 : static_cast<std::int64_t>(random() % 400);
    test::wait_until([&] { return cancelled.progress().items_done >= enough; });
    cancelled.cancel();
    rows.check(kept.wait());
    const Result result = cancelled.wait();
    EXPECT_EQ(result.outcome(), Outcome::kCancelled);
    EXPECT_LT(result.summary().chunks_done, result.summary().plan.chunks);
  }
}

// The first chunk is held until all others are done: what its worker leaves must be stolen.
TEST_P(ExactResultsTest, AHeldWorkersPartitionIsStolenAndNothingIsLost) {
  if (GetParam() == 1) GTEST_SKIP() << "nobody could steal";
  const auto engine = engine_of_threads(GetParam());
  for (const std::int64_t chunk_items : {1, 13, 100}) {
    const test::GateFolder gate;
    const RowHashJob rows(5003, 2, chunk_items);
    JobSpec spec = rows.spec(ChunkSize::items(chunk_items));
    spec.params["folder"] = gate.path();
    Job job = engine->submit(spec);
    test::wait_until([&] { return job.progress().items_done == 5003 - chunk_items; });
    gate.open();
    const Result result = job.wait();
    rows.check(result);
    std::int64_t stolen = 0;
    for (const WorkerStats& worker : result.summary().workers) stolen += worker.stolen_leases;
    EXPECT_GT(stolen, 0);
  }
}

TEST_P(ExactResultsTest, ASlowPartGivesTheSameBits) {
  const auto engine = engine_of_threads(GetParam());
  const RowHashJob rows(3001, 2, 3);
  JobSpec spec = rows.spec(ChunkSize::items(3));
  spec.params["slow_below"] = std::int64_t{500};
  spec.params["slow_ns"] = std::int64_t{50'000};
  rows.check(engine->submit(spec).wait());
}

INSTANTIATE_TEST_SUITE_P(Workers, ExactResultsTest, testing::Values(1, 2, 3, 8),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace gristmill
