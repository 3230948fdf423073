#include "engine/segment_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "ipc/segment.h"
#include "ipc/unique_fd.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kPlenty = 1 << 30;

using Clock = SegmentPool::Clock;

std::shared_ptr<SegmentPool> pool_of(std::int64_t cache_bytes, std::int64_t memory_bytes = 0) {
  return std::make_shared<SegmentPool>(
      SegmentPool::Limits{.cache_bytes = cache_bytes, .memory_bytes = memory_bytes});
}

std::vector<std::shared_ptr<const PooledSegment>> take_all(SegmentPool& pool,
                                                           std::vector<std::int64_t> sizes) {
  return pool.take_all(sizes, "the arrays");
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
  segment->writable()[segment->size_bytes() - 1] = std::byte{1};
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
  EXPECT_NE(pool->take(2 * kMiB)->name()->number(), name);
}

TEST(SegmentPoolTest, WhatIsTakenIsNotIdle) {
  const auto pool = pool_of(kPlenty);
  auto segment = pool->take(4 * kMiB);
  EXPECT_EQ(pool->idle_bytes(), 0);
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

TEST(SegmentPoolTest, KeepsAsManySegmentsAsThereAreDescriptorsToSpare) {
  const auto pool = pool_of(kPlenty);
  std::vector<std::shared_ptr<const PooledSegment>> many;
  for (int i = 0; i < 200; ++i) many.push_back(pool->take(1));
  many.clear();
  EXPECT_EQ(pool->idle_bytes(), 64 * 2 * kMiB);
}

TEST(SegmentPoolTest, WhatNobodyUsesIsFreedWhenDescriptorsRunOut) {
  const auto pool = pool_of(kPlenty);
  std::vector<std::shared_ptr<const PooledSegment>> idle;
  for (int i = 0; i < 20; ++i) idle.push_back(pool->take(1));
  idle.clear();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(ipc::UniqueFd(dup(0)).get()) + 2;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  // Of another class: none of the idle ones will do.
  std::vector<std::shared_ptr<const PooledSegment>> kept;
  EXPECT_NO_THROW(kept.push_back(pool->take(8 * kMiB)));
  const Error error = test::error_of([&] {
    for (;;) kept.push_back(pool->take(8 * kMiB));
  });
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_THAT(error.hint(), testing::HasSubstr("ulimit -n"));
  EXPECT_EQ(pool->idle_bytes(), 0);
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

TEST(SegmentPoolTest, HousekeepingFreesWhatIsUnusedForLongOrAllWhenMemoryIsShort) {
  const test::TemporaryFolder root;
  const auto set_available = [&](const char* kibibytes) {
    root.write("proc/meminfo",
               std::string("MemTotal: 1000 kB\nMemAvailable: ") + kibibytes + " kB\n");
  };
  const auto pool = pool_of(kPlenty);
  const auto in_use = pool->take(4 * kMiB);
  pool->take(4 * kMiB).reset();
  set_available("100");
  pool->keep_house(Clock::now() + std::chrono::seconds(9), root.path());
  EXPECT_EQ(pool->idle_bytes(), 4 * kMiB);
  set_available("99");
  pool->keep_house(Clock::now(), root.path());
  EXPECT_EQ(pool->idle_bytes(), 0);
  pool->take(4 * kMiB).reset();
  set_available("100");
  pool->keep_house(Clock::now() + std::chrono::seconds(11), root.path());
  EXPECT_EQ(pool->idle_bytes(), 0);
  EXPECT_EQ(pool->total_bytes(), 4 * kMiB);
}

TEST(SegmentPoolTest, ASegmentOutlivesItsPool) {
  auto pool = pool_of(kPlenty);
  const auto segment = pool->take(4 * kMiB);
  pool.reset();
  segment->writable()[0] = std::byte{42};
  EXPECT_EQ(segment->writable()[0], std::byte{42});
}

TEST(SegmentPoolTest, TakesSeveralAtOnceAndNoneForNoBytes) {
  const auto pool = pool_of(kPlenty);
  const auto segments = take_all(*pool, {3 * kMiB, 0, 4 * kMiB});
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[0]->size_bytes(), 4 * kMiB);
  EXPECT_EQ(segments[1], nullptr);
  EXPECT_NE(segments[0], segments[2]);
  EXPECT_EQ(pool->total_bytes(), 8 * kMiB);
}

TEST(SegmentPoolTest, AnIdleSegmentCountsForOneOfSeveral) {
  const auto pool = pool_of(kPlenty, 6 * kMiB);
  pool->take(4 * kMiB).reset();
  EXPECT_EQ(take_all(*pool, {4 * kMiB}).size(), 1U);
  const Error error = test::error_of([&] { take_all(*pool, {4 * kMiB, 4 * kMiB}); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve the arrays: beyond the memory limit");
  EXPECT_EQ(error.detail(), "4.0 MiB were asked for and 2.0 MiB of the limit of 6.0 MiB are left.");
  EXPECT_EQ(pool->total_bytes(), 4 * kMiB) << "the one that was there came back";
}

TEST(SegmentPoolTest, WhatIsInUseCountsAndComesBack) {
  const auto pool = pool_of(kPlenty, 8 * kMiB);
  auto first = take_all(*pool, {4 * kMiB});
  EXPECT_THROW(take_all(*pool, {8 * kMiB}), Error);
  first.clear();
  EXPECT_EQ(take_all(*pool, {8 * kMiB})[0]->size_bytes(), 8 * kMiB);
}

TEST(SegmentPoolTest, WhatNobodyUsesIsFreedBeforeAnythingIsRefused) {
  const auto pool = pool_of(kPlenty, 16 * kMiB);
  const std::weak_ptr<const MemoryName> name = pool->take(12 * kMiB)->name();
  EXPECT_NO_THROW(take_all(*pool, {8 * kMiB}));
  EXPECT_TRUE(name.expired());
}

TEST(SegmentPoolTest, WhatFitsOnlyWithoutRoundingUpIsNotRounded) {
  const auto pool = pool_of(kPlenty, 100 * kMiB);
  auto segments = take_all(*pool, {97 * kMiB});
  EXPECT_EQ(segments[0]->size_bytes(), 98 * kMiB);
  const auto name = segments[0]->name()->number();
  segments.clear();
  EXPECT_EQ(take_all(*pool, {98 * kMiB})[0]->name()->number(), name);
  EXPECT_THROW(take_all(*pool, {101 * kMiB}), Error);
}

TEST(SegmentPoolTest, MoreThanTheSystemHasIsRefused) {
  const Error error = test::error_of([&] { take_all(*pool_of(0), {INT64_MAX, INT64_MAX}); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve the arrays: not enough memory");
}

class AvailableMemoryTest : public testing::Test {
 protected:
  AvailableMemoryTest() { set_available(20 * kMiB); }
  void set_available(std::int64_t bytes) {
    root_.write("proc/meminfo",
                "MemTotal: 65536 kB\nMemAvailable: " + std::to_string(bytes / 1024) + " kB\n");
  }
  static void touch(const PooledSegment& segment) {
    for (std::int64_t i = 0; i < segment.size_bytes(); i += 4096) {
      segment.writable()[i] = std::byte{1};
    }
  }

  const test::TemporaryFolder root_;
  std::shared_ptr<SegmentPool> pool_ = std::make_shared<SegmentPool>(
      SegmentPool::Limits{.cache_bytes = kPlenty, .memory_bytes = 0}, root_.path());
};

TEST_F(AvailableMemoryTest, WhatIsTakenAndNotTouchedYetIsNotAvailable) {
  auto first = take_all(*pool_, {16 * kMiB});
  const std::int64_t untouched = pool_->untouched_bytes();
  EXPECT_GT(untouched, 15 * kMiB) << "but for a page of each huge one";
  const Error error = test::error_of([&] { take_all(*pool_, {16 * kMiB}); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve the arrays: not enough memory");
  EXPECT_EQ(error.detail(), "16.0 MiB were asked for and 4.0 MiB are available.");
  EXPECT_EQ(pool_->total_bytes(), 16 * kMiB) << "nothing was made";
  first.clear();
  EXPECT_EQ(pool_->untouched_bytes(), 0);
  EXPECT_NO_THROW(take_all(*pool_, {20 * kMiB}));
}

TEST_F(AvailableMemoryTest, WhatIsTouchedIsCountedOnce) {
  const auto first = take_all(*pool_, {16 * kMiB});
  touch(*first[0]);
  EXPECT_EQ(pool_->untouched_bytes(), 0);
  set_available(4 * kMiB);
  EXPECT_NO_THROW(take_all(*pool_, {4 * kMiB}));
}

TEST_F(AvailableMemoryTest, AnIdleSegmentThatWasNeverTouchedIsPromisedAgain) {
  take_all(*pool_, {16 * kMiB}).clear();
  EXPECT_THROW(take_all(*pool_, {16 * kMiB, 8 * kMiB}), Error);
}

TEST_F(AvailableMemoryTest, RoomToGrowIsNotCountedForWhatIsInUse) {
  const auto first = take_all(*pool_, {9 * kMiB});
  EXPECT_EQ(first[0]->size_bytes(), 10 * kMiB);
  EXPECT_LT(pool_->untouched_bytes(), 9 * kMiB);
}

TEST(SegmentPoolTest, SmallOnesOfOurOwnAreNeverRefused) {
  const auto pool = pool_of(kPlenty, 2 * kMiB);
  const auto segment = take_all(*pool, {100});
  EXPECT_NE(pool->take(100), nullptr);
}

TEST(SegmentPoolTest, TrimTellsThePagesThatItFreed) {
  const auto pool = pool_of(kPlenty);
  auto segment = pool->take(4 * kMiB);
  for (std::int64_t i = 0; i < 3 * kMiB; i += 4096) segment->writable()[i] = std::byte{1};
  const std::int64_t allocated = segment->allocated_bytes();
  EXPECT_GE(allocated, 3 * kMiB);
  EXPECT_LE(allocated, 4 * kMiB);
  EXPECT_EQ(pool->trim(Clock::now()), 0) << "it is in use";
  segment.reset();
  EXPECT_EQ(pool->trim(Clock::now()), allocated);
}

TEST(SegmentPoolTest, MemoryOfOthersCountsAsLongAsItsChargeLives) {
  const auto pool = pool_of(kPlenty, 8 * kMiB);
  auto charge = pool->charge(6 * kMiB);
  EXPECT_EQ(pool->room_bytes(), 2 * kMiB);
  EXPECT_THROW(take_all(*pool, {4 * kMiB}), Error);
  charge.reset();
  EXPECT_EQ(pool->room_bytes(), 8 * kMiB);
  EXPECT_NO_THROW(take_all(*pool, {4 * kMiB}));
}

TEST(SegmentPoolTest, AChargeMayOutliveItsPool) {
  auto pool = pool_of(kPlenty, 8 * kMiB);
  const auto charge = pool->charge(6 * kMiB);
  pool.reset();
}

TEST(SegmentPoolTest, WithoutALimitThereIsAlwaysRoom) {
  EXPECT_EQ(pool_of(kPlenty)->room_bytes(), INT64_MAX);
}

TEST(SegmentPoolTest, ThreadsTogetherStayBelowTheLimit) {
  const auto pool = pool_of(kPlenty, 12 * kMiB);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        try {
          const auto segments = take_all(*pool, {4 * kMiB, (1 + i % 2) * 2 * kMiB});
          EXPECT_LE(pool->total_bytes(), 12 * kMiB);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kResources);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SegmentPoolTest, NoTwoThreadsHaveTheSameSegment) {
  const auto pool = pool_of(kPlenty);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, mine = std::byte(thread + 1)] {
      for (int i = 0; i < 200; ++i) {
        const auto segment = pool->take((1 + i % 3) * 2 * kMiB);
        segment->writable()[0] = mine;
        std::this_thread::yield();
        ASSERT_EQ(segment->writable()[0], mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool->trim(Clock::now());
  EXPECT_EQ(pool->idle_bytes(), 0);
}

}  // namespace
}  // namespace gristmill::engine
