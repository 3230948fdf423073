#include "engine/chunk_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

void expect_covers_every_item_once(const ChunkPlan& plan) {
  std::int64_t next = 0;
  for (std::int64_t chunk = 0; chunk < plan.chunks; ++chunk) {
    const ItemRange range = plan.range_of(chunk);
    ASSERT_EQ(range.begin, next);
    ASSERT_GT(range.end, range.begin);
    ASSERT_LE(range.end - range.begin, plan.chunk_items);
    next = range.end;
  }
  ASSERT_EQ(next, plan.items);
}

TEST(ChunkPlanTest, AutoMakesAtLeast2048Chunks) {
  const ChunkPlan plan = plan_chunks({171'075, 32, 0}, {});
  EXPECT_EQ(plan.chunk_items, 80);
  EXPECT_EQ(plan.chunks, 2139);
  EXPECT_EQ(plan.rule, "auto: at least 2,048 chunks; 80 items each");
  expect_covers_every_item_once(plan);
}

TEST(ChunkPlanTest, AutoFillsTheLanesOfAVectorisedKernel) {
  EXPECT_EQ(plan_chunks({2048 * 15, 8, 0}, {}).chunk_items, 15);
  EXPECT_EQ(plan_chunks({2048 * 16, 8, 0}, {}).chunk_items, 16);
  EXPECT_EQ(plan_chunks({2048 * 47, 8, 0}, {}).chunk_items, 32);
}

TEST(ChunkPlanTest, AutoWithFewItemsMakesAChunkOfEach) {
  const ChunkPlan plan = plan_chunks({100, 8, 0}, {});
  EXPECT_EQ(plan.chunk_items, 1);
  EXPECT_EQ(plan.chunks, 100);
  EXPECT_EQ(plan.rule, "auto: one item each");
}

TEST(ChunkPlanTest, AutoJoinsWhatIsSmallAndCheap) {
  const ChunkPlan by_bytes = plan_chunks({100'000, 16, 1}, {});
  EXPECT_EQ(by_bytes.chunk_items, 4096);
  EXPECT_EQ(by_bytes.rule, "auto: 4,096 items each, so that a chunk has 64.0 KiB or takes 20 us");
  const ChunkPlan by_time = plan_chunks({100'000, 16, 100}, {});
  EXPECT_EQ(by_time.chunk_items, 200);
}

TEST(ChunkPlanTest, AutoMakesOneChunkOfATinyCheapJob) {
  const ChunkPlan plan = plan_chunks({1000, 16, 1}, {});
  EXPECT_EQ(plan.chunk_items, 1000);
  EXPECT_EQ(plan.chunks, 1);
}

TEST(ChunkPlanTest, AutoDoesNotTakeAnUnknownCostForCheap) {
  EXPECT_EQ(plan_chunks({10'000, 16, 0}, {}).chunks, 2500);
  EXPECT_EQ(plan_chunks({10'000, 0, std::nan("")}, {}).chunks, 2500);
  EXPECT_EQ(plan_chunks({10'000, 0, -1}, {}).chunks, 2500);
}

TEST(ChunkPlanTest, AutoKeepsDearItemsApart) {
  EXPECT_EQ(plan_chunks({1000, 8, 1e9}, {}).chunks, 1000);
  EXPECT_EQ(plan_chunks({1000, 8, std::numeric_limits<double>::infinity()}, {}).chunks, 1000);
}

TEST(ChunkPlanTest, AutoKeepsAChunkWithinOneMebibyte) {
  const ChunkPlan plan = plan_chunks({std::int64_t{1} << 30, 16, 1}, {});
  EXPECT_EQ(plan.chunk_items, 65'536);
  EXPECT_EQ(plan.chunks, 16'384);
  EXPECT_EQ(plan.rule, "auto: 65,536 items each, so that a chunk has at most 1.0 MiB");
}

TEST(ChunkPlanTest, AutoNeverMakesMoreThanItsLimit) {
  const ChunkPlan plan = plan_chunks({std::int64_t{1} << 40, 16, 0}, {});
  EXPECT_EQ(plan.chunks, kMaxAutoChunks);
  EXPECT_EQ(plan.rule, "auto: at most 1,048,576 chunks; 1,048,576 items each");
  EXPECT_LE(plan_chunks({INT64_MAX, INT64_MAX, 0}, {}).chunks, kMaxAutoChunks);
}

TEST(ChunkPlanTest, AutoMakesNoMoreChunksThanAReduceHasMemoryFor) {
  const ChunkPlan plan = plan_chunks({171'075, 32, 0, 1000}, {});
  EXPECT_EQ(plan.chunk_items, 172);
  EXPECT_EQ(plan.chunks, 995);
  EXPECT_EQ(plan.rule,
            "auto: at most 1,000 chunks, for the memory of their partial results; 172 items each");
  expect_covers_every_item_once(plan);
  EXPECT_EQ(plan_chunks({std::int64_t{1} << 40, 16, 0, 16}, {}).chunks, 16);
}

TEST(ChunkPlanTest, MemoryForMoreChunksChangesNothing) {
  const ChunkPlan plan = plan_chunks({171'075, 32, 0, 2139}, {});
  EXPECT_EQ(plan.chunk_items, 80);
  EXPECT_EQ(plan.rule, plan_chunks({171'075, 32, 0}, {}).rule);
  EXPECT_EQ(plan_chunks({100, 8, 0, 100}, {}).chunks, 100);
}

TEST(ChunkPlanTest, ASizeThatIsAskedForIsTakenWhateverTheMemory) {
  EXPECT_EQ(plan_chunks({1001, 8, 0, 2}, ChunkSize::items(1)).chunks, 1001);
}

TEST(ChunkPlanTest, AutoHoldsItsBoundsForAnyDemand) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto magnitude = [&](int bits) {
      return static_cast<std::int64_t>(random() >> (63 - random() % static_cast<unsigned>(bits)));
    };
    const ChunkDemand demand{std::max<std::int64_t>(magnitude(62), 1), magnitude(40),
                             random() % 2 == 0 ? 0.0 : static_cast<double>(magnitude(40))};
    ChunkDemand limited = demand;
    limited.most_chunks = std::max<std::int64_t>(magnitude(30), 1);
    ASSERT_LE(plan_chunks(limited, {}).chunks, limited.most_chunks);
    const ChunkPlan plan = plan_chunks(demand, {});
    ASSERT_GE(plan.chunks, 1);
    ASSERT_LE(plan.chunks, kMaxAutoChunks);
    ASSERT_EQ(plan.range_of(0).begin, 0);
    ASSERT_EQ(plan.range_of(plan.chunks - 1).end, demand.items);
    if (plan.chunks < std::min(demand.items, kMinAutoChunks)) {
      const double bytes =
          static_cast<double>(plan.chunk_items - 1) * static_cast<double>(demand.bytes_per_item);
      ASSERT_LT(bytes, static_cast<double>(kSmallChunkBytes));
      ASSERT_GT(demand.nanoseconds_per_item, 0);
    }
  }
}

TEST(ChunkPlanTest, ItemsAreTakenAsAsked) {
  const ChunkPlan plan = plan_chunks({1001, 8, 0}, ChunkSize::items(500));
  EXPECT_EQ(plan.chunks, 3);
  EXPECT_EQ(plan.range_of(2).begin, 1000);
  EXPECT_EQ(plan.range_of(2).end, 1001);
  EXPECT_EQ(plan.rule, "as asked: 500 items each");
}

TEST(ChunkPlanTest, BytesAreDividedByTheBytesPerItem) {
  const ChunkPlan plan = plan_chunks({100'000, 24, 0}, ChunkSize::bytes(65'536));
  EXPECT_EQ(plan.chunk_items, 2730);
  EXPECT_EQ(plan.rule, "as asked: 64.0 KiB at 24 bytes per item; 2,730 items each");
}

TEST(ChunkPlanTest, BytesBelowOneItemAreOneItem) {
  EXPECT_EQ(plan_chunks({10, 1 << 20, 0}, ChunkSize::bytes(1024)).chunk_items, 1);
  EXPECT_EQ(plan_chunks({10, 0, 0}, ChunkSize::bytes(4)).chunk_items, 4);
}

TEST(ChunkPlanTest, ASizeBeyondTheInputIsOneChunk) {
  const ChunkPlan plan = plan_chunks({84, 8, 0}, ChunkSize::items(500));
  EXPECT_EQ(plan.chunks, 1);
  EXPECT_EQ(plan.range_of(0).end, 84);
  EXPECT_THAT(plan.rule, HasSubstr("there are only 84"));
  EXPECT_EQ(plan_chunks({INT64_MAX, 8, 0}, ChunkSize::items(INT64_MAX)).chunks, 1);
}

TEST(ChunkPlanTest, NoItemsAreNoChunks) {
  for (const ChunkSize size : {ChunkSize(), ChunkSize::items(5), ChunkSize::bytes(5)}) {
    EXPECT_EQ(plan_chunks({0, 8, 1}, size).chunks, 0);
  }
}

TEST(ChunkPlanTest, OneItemIsOneChunk) {
  for (const ChunkSize size : {ChunkSize(), ChunkSize::items(5), ChunkSize::bytes(5)}) {
    EXPECT_EQ(plan_chunks({1, 8, 1}, size).chunks, 1);
  }
}

TEST(ChunkPlanTest, RefusesASizeBelowOne) {
  for (const ChunkSize size : {ChunkSize::items(0), ChunkSize::items(-3), ChunkSize::bytes(0)}) {
    EXPECT_EQ(test::error_of([&] { plan_chunks({10, 8, 0}, size); }).code(), ErrorCode::kInvalid);
  }
}

TEST(ChunkPlanTest, RefusesMoreChunksThanALedgerHoldsAndSaysWhatWouldDo) {
  EXPECT_EQ(plan_chunks({kMaxChunks, 8, 0}, ChunkSize::items(1)).chunks, kMaxChunks);
  const Error error = test::error_of([] {
    plan_chunks({kMaxChunks * 3 - 1, 8, 0}, ChunkSize::items(1));
  });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr("67,108,864"));
  EXPECT_THAT(error.hint(), HasSubstr("at least 3 items"));
  EXPECT_NO_THROW(plan_chunks({kMaxChunks * 3 - 1, 8, 0}, ChunkSize::items(3)));
}

TEST(ChunkPlanTest, EveryItemIsInOneChunk) {
  for (std::int64_t items = 1; items <= 40; ++items) {
    for (std::int64_t size = 1; size <= 45; ++size) {
      expect_covers_every_item_once(plan_chunks({items, 8, 0}, ChunkSize::items(size)));
    }
  }
}

}  // namespace
}  // namespace gristmill::engine
