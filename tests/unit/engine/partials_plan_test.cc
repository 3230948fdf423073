#include "engine/partials_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/error.h>
#include <gristmill/format.h>

#include "ipc/merge_tree.h"
#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kMiB = 1 << 20;

std::uint32_t fan_in(std::int64_t accumulator_bytes) {
  return plan_partials(accumulator_bytes, 100, false).fan_in;
}

TEST(PartialsPlanTest, AccumulatorsLieAtMultiplesOfTheAlignment) {
  for (const std::int64_t bytes :
       {std::int64_t{1}, kAccumulatorAlignment - 1, kAccumulatorAlignment,
        kAccumulatorAlignment + 1, 5 * kMiB + 3, INT64_MAX - kAccumulatorAlignment}) {
    const ipc::Partials partials = plan_partials(bytes, 3, false);
    EXPECT_EQ(partials.accumulator_bytes, bytes);
    EXPECT_EQ(partials.stride_bytes % kAccumulatorAlignment, 0) << bytes;
    EXPECT_GE(partials.stride_bytes, bytes);
    EXPECT_LT(partials.stride_bytes - bytes, kAccumulatorAlignment);
  }
}

TEST(PartialsPlanTest, AccumulatorsOfWorkersLieApart) {
  for (const std::int64_t bytes : {std::int64_t{1}, kAccumulatorAlignment, 5 * kMiB + 3}) {
    const ipc::Partials partials = plan_partials(bytes, 3, true);
    EXPECT_EQ(partials.stride_bytes % kAccumulatorAlignment, 0) << bytes;
    EXPECT_GE(partials.stride_bytes, bytes + kExactGapBytes);
  }
  EXPECT_EQ(plan_partials(INT64_MAX, 3, true).stride_bytes, INT64_MAX);
}

TEST(PartialsPlanTest, LeavesAndExactnessAreThoseAskedFor) {
  EXPECT_EQ(plan_partials(8, 2048, false).leaves, 2048U);
  EXPECT_EQ(plan_partials(8, 0, false).leaves, 0U);
  EXPECT_FALSE(plan_partials(8, 3, false).exact);
  EXPECT_TRUE(plan_partials(8, 3, true).exact);
}

TEST(PartialsPlanTest, AMergeReadsAboutAMebibyte) {
  EXPECT_EQ(fan_in(kMergeBytes / 16), 16U);
  EXPECT_EQ(fan_in(kMergeBytes / 2), 2U);
}

TEST(PartialsPlanTest, AMergeHasAtLeastTwoInputsAndNotTooMany) {
  EXPECT_EQ(fan_in(1), kWidestMerge);
  EXPECT_EQ(fan_in(kMergeBytes / kWidestMerge), kWidestMerge);
  EXPECT_LT(fan_in(kMergeBytes / kWidestMerge + 1), kWidestMerge);
  EXPECT_EQ(fan_in(kMergeBytes), 2U);
  EXPECT_EQ(fan_in(INT64_MAX), 2U);
}

TEST(PartialsPlanTest, TheTreeDoesNotDependOnAnythingButTheAccumulator) {
  for (const std::uint32_t leaves : {0U, 1U, 2048U, 1'000'000U}) {
    EXPECT_EQ(plan_partials(40, leaves, false).fan_in, plan_partials(40, 7, true).fan_in);
  }
}

TEST(PartialsPlanTest, AutomaticChunksFitIntoTheirMemory) {
  EXPECT_EQ(most_leaves(1), kPartialBytes / kAccumulatorAlignment);
  EXPECT_EQ(most_leaves(kAccumulatorAlignment), kPartialBytes / kAccumulatorAlignment);
  EXPECT_EQ(most_leaves(kAccumulatorAlignment + 1), kPartialBytes / (2 * kAccumulatorAlignment));
  EXPECT_EQ(most_leaves(kMiB), 256);
}

TEST(PartialsPlanTest, EvenTheLargestAccumulatorLeavesSomeChunks) {
  EXPECT_EQ(most_leaves(kPartialBytes / kFewestLeaves), kFewestLeaves);
  EXPECT_EQ(most_leaves(kPartialBytes), kFewestLeaves);
  EXPECT_EQ(most_leaves(INT64_MAX), kFewestLeaves);
}

TEST(PartialsPlanTest, TheSizeIsThatOfLeavesAndMerges) {
  EXPECT_EQ(size_bytes(plan_partials(8, 0, false)), kAccumulatorAlignment);
  EXPECT_EQ(size_bytes(plan_partials(8, 1, false)), 2 * kAccumulatorAlignment);
  EXPECT_EQ(size_bytes(plan_partials(8, 100, false)), 101 * kAccumulatorAlignment);
  const ipc::Partials deep = plan_partials(kMiB, 1000, false);
  EXPECT_EQ(size_bytes(deep), ipc::MergeTree(1000, 2).partials() * kMiB);
}

TEST(PartialsPlanTest, ASizeBeyondAnyMemoryIsTheLargestNumber) {
  EXPECT_EQ(size_bytes(plan_partials(INT64_MAX, 2, false)), INT64_MAX);
  EXPECT_EQ(size_bytes(plan_partials(INT64_MAX / 2, 2, false)), INT64_MAX);
  EXPECT_EQ(size_bytes(plan_partials(INT64_MAX / 1000, 2048, false)), INT64_MAX);
  EXPECT_LT(size_bytes(plan_partials(INT64_MAX / 4, 2, false)), INT64_MAX);
}

class ReservePartialsTest : public testing::Test {
 protected:
  std::shared_ptr<SegmentPool> pool_ =
      std::make_shared<SegmentPool>(SegmentPool::Limits{.cache_bytes = 64 * kMiB});
};

TEST_F(ReservePartialsTest, GivesMemoryForAllOfThem) {
  const ipc::Partials partials = plan_partials(kMiB, 10, false);
  EXPECT_GE(reserve_partials(partials, *pool_)->size_bytes(), size_bytes(partials));
}

TEST_F(ReservePartialsTest, MemoryThatWasDroppedIsUsedAgain) {
  const ipc::Partials partials = plan_partials(40, 2048, false);
  const auto number = reserve_partials(partials, *pool_)->name()->number();
  EXPECT_EQ(reserve_partials(partials, *pool_)->name()->number(), number);
}

TEST_F(ReservePartialsTest, OneIsNotSeveral) {
  const ipc::Partials partials = plan_partials(std::int64_t{1} << 60, 1, false);
  const Error error = test::error_of([&] { reserve_partials(partials, *pool_); });
  EXPECT_THAT(error.message(), HasSubstr("could not reserve 1 partial result of "));
}

TEST_F(ReservePartialsTest, TooMuchIsRefusedWithBothNumbers) {
  const std::int64_t accumulator_bytes = std::int64_t{1} << 50;
  const ipc::Partials partials = plan_partials(accumulator_bytes, 16, false);
  const Error error = test::error_of([&] { reserve_partials(partials, *pool_); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve 16 partial results of " +
                                 format_size(accumulator_bytes) + ", " +
                                 format_size(size_bytes(partials)) + " in all: not enough memory");
  EXPECT_THAT(error.detail(), HasSubstr(format_size(size_bytes(partials)) + " were asked for"));
  EXPECT_THAT(error.detail(), HasSubstr("are available"));
}

TEST_F(ReservePartialsTest, MoreThanAnyMemoryIsRefused) {
  const ipc::Partials partials = plan_partials(INT64_MAX, 2048, false);
  const Error error = test::error_of([&] { reserve_partials(partials, *pool_); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
}

}  // namespace
}  // namespace gristmill::engine
