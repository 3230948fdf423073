#include <gtest/gtest.h>

#include "engine/engine_core.h"
#include "tests/support/digest_job.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/thread_launcher.h"

namespace gristmill {
namespace {

using test::DigestJob;

std::unique_ptr<EngineCore> engine_of_threads(int workers) {
  return std::make_unique<EngineCore>(
      std::make_unique<test::ThreadLauncher>(), workers,
      std::vector<std::string>{test::test_plugin("gristmill-test-reducing").string()});
}

class ReduceTest : public testing::TestWithParam<int> {};

TEST_P(ReduceTest, AnyChunkSizeGivesTheBitsOfThePlainTree) {
  const auto engine = engine_of_threads(GetParam());
  for (const std::int64_t items : {0, 1, 2, 63, 1009, 20'011}) {
    const DigestJob job(items);
    for (const ChunkSize& size :
         {ChunkSize(), ChunkSize::items(1), ChunkSize::items(13), ChunkSize::items(items + 5)}) {
      SCOPED_TRACE(std::to_string(items) + " items in chunks of " + std::to_string(size.count()));
      job.check(engine->submit(job.spec(size)).wait());
    }
  }
}

TEST_P(ReduceTest, LargeAccumulatorsAreMergedInManyLevels) {
  const auto engine = engine_of_threads(GetParam());
  const DigestJob job(200, 20'000);
  const Result result = engine->submit(job.spec(ChunkSize::items(3))).wait();
  job.check(result);
  EXPECT_EQ(result.summary().plan.merged_at_once, 3);
  EXPECT_EQ(result.summary().plan.partials, 67);
}

TEST_P(ReduceTest, EachJobStartsFromZeroWhateverWasInTheMemory) {
  const auto engine = engine_of_threads(GetParam());
  for (const std::int64_t items : {5000, 3, 4999}) {
    const DigestJob job(items);
    job.check(engine->submit(job.spec(ChunkSize::items(7))).wait());
  }
}

TEST_P(ReduceTest, AnExactMergeHasOneAccumulatorPerWorkerAndCountsAll) {
  const auto engine = engine_of_threads(GetParam());
  for (const std::int64_t items : {0, 1, 1009, 20'011}) {
    const DigestJob numbers(items);
    std::vector<std::int64_t> expected(10, 0);
    for (const std::int64_t value : numbers.values()) {
      ++expected[static_cast<std::uint64_t>(value) % 10];
    }
    for (const ChunkSize& size : {ChunkSize(), ChunkSize::items(1), ChunkSize::items(700)}) {
      const Result result = engine
                                ->submit({.kernel = "count_remainders",
                                          .inputs = {{"rows", numbers.rows()}},
                                          .chunk_size = size})
                                .wait();
      ASSERT_TRUE(result.done()) << result.error()->message();
      test::check_each_chunk_once(result);
      EXPECT_LE(result.summary().plan.partials, GetParam());
      const auto counts = result.array().as<std::int64_t>();
      EXPECT_EQ(std::vector<std::int64_t>(counts.begin(), counts.end()), expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, ReduceTest, testing::Values(1, 2, 3, 8),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace gristmill
