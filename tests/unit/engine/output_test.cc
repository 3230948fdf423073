#include "engine/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/reservation.h"
#include "engine/segment_pool.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

JobPlan::OutputPlan plan(std::string name, std::int64_t length, std::filesystem::path path = {}) {
  return {std::move(name), DType::kUInt8, {length}, length, std::move(path)};
}

class OutputTest : public testing::Test {
 protected:
  static constexpr std::int64_t kMiB = 1 << 20;

  std::shared_ptr<SegmentPool> pool_ =
      std::make_shared<SegmentPool>(SegmentPool::Limits{.cache_bytes = 64 * kMiB});
};

TEST_F(OutputTest, ReservesInMemoryAndInFiles) {
  const test::TemporaryFolder folder;
  const auto outputs =
      reserve_outputs({plan("a", 10), plan("b", 20, folder / "b.npy")}, true, *pool_);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0]->name(), "a");
  EXPECT_TRUE(outputs[0]->path().empty());
  EXPECT_EQ(outputs[1]->path(), folder / "b.npy");
  for (const auto& output : outputs) output->publish();
  EXPECT_TRUE(std::filesystem::exists(folder / "b.npy"));
}

TEST_F(OutputTest, MemoryOfAllOutputsIsCountedTogether) {
  const std::int64_t available = available_memory_bytes("/").value();
  const std::int64_t most = available / 4 * 3;
  EXPECT_NO_THROW(reserve_outputs({plan("a", most)}, true, *pool_));
  const Error error = test::error_of([&] {
    reserve_outputs({plan("a", most), plan("b", most)}, true, *pool_);
  });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve output \"a\", output \"b\": not enough memory");
  const Error huge = test::error_of([&] {
    reserve_outputs({plan("a", INT64_MAX), plan("b", INT64_MAX)}, true, *pool_);
  });
  EXPECT_EQ(huge.code(), ErrorCode::kResources);
}

TEST_F(OutputTest, SmallOnesShareASegmentAndLargeOnesHaveTheirOwn) {
  const auto outputs =
      reserve_outputs({plan("a", 10), plan("b", 4 * kMiB), plan("c", 20)}, true, *pool_);
  EXPECT_EQ(outputs[0]->place().memory, outputs[2]->place().memory);
  EXPECT_NE(outputs[0]->place().memory, outputs[1]->place().memory);
  EXPECT_EQ(outputs[2]->place().array_offset, 64) << "not on the same cache line";
}

TEST_F(OutputTest, TheMemoryOfDroppedOutputsIsUsedAgain) {
  auto outputs = reserve_outputs({plan("a", 4 * kMiB)}, true, *pool_);
  const auto memory = outputs[0]->place().memory->number();
  outputs.clear();
  outputs = reserve_outputs({plan("b", 4 * kMiB - 1)}, true, *pool_);
  EXPECT_EQ(outputs[0]->place().memory->number(), memory);
}

TEST_F(OutputTest, AMemoryLimitSmallerThanTheOutputsIsRefusedWithBothNumbers) {
  pool_ = std::make_shared<SegmentPool>(SegmentPool::Limits{.memory_bytes = 6 * kMiB});
  EXPECT_NO_THROW(reserve_outputs({plan("a", 4 * kMiB), plan("b", 1)}, true, *pool_));
  const Error error = test::error_of([&] {
    reserve_outputs({plan("a", 4 * kMiB), plan("b", 4 * kMiB)}, true, *pool_);
  });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(),
            "could not reserve output \"a\", output \"b\": beyond the memory limit");
  EXPECT_EQ(error.detail(), "8.0 MiB were asked for and 6.0 MiB of the limit of 6.0 MiB are left.");
}

TEST_F(OutputTest, AnEmptyOutputHasAPlaceToo) {
  const auto outputs = reserve_outputs({plan("a", 0)}, true, *pool_);
  EXPECT_EQ(outputs[0]->view().rows(), 0);
}

TEST_F(OutputTest, AllOrNone) {
  const test::TemporaryFolder folder;
  const Error error = test::error_of([&] {
    reserve_outputs({plan("a", 10, folder / "a.npy"), plan("b", 10, folder / "missing/b.npy")},
                    true, *pool_);
  });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(OutputTest, RefusesAShapeThatIsNone) {
  EXPECT_EQ(test::error_of([&] { reserve_outputs({plan("a", -1)}, true, *pool_); }).code(),
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gristmill::engine
