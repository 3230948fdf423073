#include "engine/segment_pool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "ipc/segment.h"

namespace gristmill::engine {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kPlenty = 1 << 30;

using Clock = SegmentPool::Clock;

std::shared_ptr<SegmentPool> pool_of(std::int64_t cache_bytes) {
  return std::make_shared<SegmentPool>(cache_bytes);
}

TEST(SegmentPoolTest, SizesAreRoundedUpToAQuarterOfAPowerOfTwo) {
  EXPECT_EQ(SegmentPool::class_bytes(0), 2 * kMiB);
  EXPECT_EQ(SegmentPool::class_bytes(2 * kMiB), 2 * kMiB);
  EXPECT_EQ(SegmentPool::class_bytes(2 * kMiB + 1), 4 * kMiB);
  EXPECT_EQ(SegmentPool::class_bytes(16 * kMiB), 16 * kMiB);
  EXPECT_EQ(SegmentPool::class_bytes(16 * kMiB + 1), 20 * kMiB);
  EXPECT_EQ(SegmentPool::class_bytes(28 * kMiB + 1), 32 * kMiB);
  EXPECT_EQ(SegmentPool::class_bytes(INT64_MAX), INT64_MAX);
  for (std::int64_t size = 1; size < 100 * kMiB; size = size * 5 / 4 + 1) {
    EXPECT_GE(SegmentPool::class_bytes(size), size);
    EXPECT_EQ(SegmentPool::class_bytes(SegmentPool::class_bytes(size)),
              SegmentPool::class_bytes(size));
  }
}

TEST(SegmentPoolTest, ASegmentIsAsLargeAsAskedForAndOfFixedSize) {
  const auto segment = pool_of(kPlenty)->take(3 * kMiB);
  EXPECT_GE(segment->size_bytes(), 3 * kMiB);
  EXPECT_TRUE(ipc::has_fixed_size(segment->fd()));
  segment->data()[segment->size_bytes() - 1] = std::byte{1};
}

TEST(SegmentPoolTest, TheOneThatWasUsedLastIsUsedAgain) {
  const auto pool = pool_of(kPlenty);
  auto first = pool->take(4 * kMiB);
  auto second = pool->take(4 * kMiB);
  const auto first_name = first->name()->number();
  EXPECT_NE(first_name, second->name()->number());
  second.reset();
  first.reset();
  EXPECT_EQ(pool->take(3 * kMiB)->name()->number(), first_name);
}

TEST(SegmentPoolTest, ASegmentOfAnotherClassIsNotUsed) {
  const auto pool = pool_of(kPlenty);
  const auto name = pool->take(16 * kMiB)->name()->number();
  EXPECT_TRUE(pool->has(16 * kMiB));
  EXPECT_FALSE(pool->has(2 * kMiB));
  EXPECT_NE(pool->take(2 * kMiB)->name()->number(), name);
}

TEST(SegmentPoolTest, WhatIsTakenIsNotIdle) {
  const auto pool = pool_of(kPlenty);
  auto segment = pool->take(4 * kMiB);
  EXPECT_EQ(pool->idle_bytes(), 0);
  EXPECT_FALSE(pool->has(4 * kMiB));
  const auto copy = segment;
  segment.reset();
  EXPECT_EQ(pool->idle_bytes(), 0) << "there is another owner";
}

TEST(SegmentPoolTest, KeepsNoMoreThanItMayAndDropsWhatWasUnusedLongest) {
  const auto pool = pool_of(8 * kMiB);
  auto oldest = pool->take(4 * kMiB);
  auto large = pool->take(8 * kMiB);
  const std::weak_ptr<const MemoryName> oldest_name = oldest->name();
  oldest.reset();
  EXPECT_EQ(pool->idle_bytes(), 4 * kMiB);
  large.reset();
  EXPECT_EQ(pool->idle_bytes(), 8 * kMiB);
  EXPECT_TRUE(oldest_name.expired());
  const auto none = pool_of(0);
  none->take(1);
  EXPECT_EQ(none->idle_bytes(), 0);
}

TEST(SegmentPoolTest, TrimFreesWhatWasNotUsedSince) {
  const auto pool = pool_of(kPlenty);
  const auto before = Clock::now();
  const std::weak_ptr<const MemoryName> name = pool->take(4 * kMiB)->name();
  pool->trim(before - std::chrono::seconds(1));
  EXPECT_EQ(pool->idle_bytes(), 4 * kMiB);
  EXPECT_FALSE(name.expired());
  pool->trim(Clock::now());
  EXPECT_EQ(pool->idle_bytes(), 0);
  EXPECT_TRUE(name.expired());
}

TEST(SegmentPoolTest, ASegmentOutlivesItsPool) {
  auto pool = pool_of(kPlenty);
  const auto segment = pool->take(4 * kMiB);
  pool.reset();
  segment->data()[0] = std::byte{42};
  EXPECT_EQ(segment->data()[0], std::byte{42});
}

TEST(SegmentPoolTest, NoTwoThreadsHaveTheSameSegment) {
  const auto pool = pool_of(kPlenty);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, mine = std::byte(thread + 1)] {
      for (int i = 0; i < 200; ++i) {
        const auto segment = pool->take((1 + i % 3) * 2 * kMiB);
        segment->data()[0] = mine;
        std::this_thread::yield();
        ASSERT_EQ(segment->data()[0], mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool->trim(Clock::now());
  EXPECT_EQ(pool->idle_bytes(), 0);
}

}  // namespace
}  // namespace gristmill::engine
