#include "engine/emit_run.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include <gristmill/dataset.h>

#include "ipc/mapping.h"
#include "ipc/pages.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::uint32_t kChunks = 4;

// Rows of an int64 and of two uint8, outputs 0 and 2 of a kernel's three.
class EmitRunTest : public testing::Test {
 protected:
  EmitRun run_of(const std::filesystem::path& path = {}) const {
    std::vector<EmitRun::Output> outputs(2);
    outputs[0].name = "value";
    outputs[0].spec = {DType::kInt64, {0}};
    outputs[0].path = path;
    outputs[1].name = "flags";
    outputs[1].spec = {DType::kUInt8, {0, 2}};
    outputs[1].kernel_output = 2;
    return {std::move(outputs), 3, true, pool_};
  }
  void record(std::uint32_t chunk, std::uint32_t extent, std::uint64_t first, std::uint64_t rows) {
    control_.record(chunk).first_row = first;
    control_.record(chunk).rows = ipc::pack_rows(extent, rows);
  }
  // Row i of the extent is number first + i.
  static void write_values(const EmitRun& run, std::uint32_t extent, std::int64_t first) {
    const PlacedArray region = run.region(extent);
    const ipc::WritableMapping memory(region.fd, region.range_offset, region.range_bytes);
    auto* values = reinterpret_cast<std::int64_t*>(memory.data() + run.message(extent).offsets[0]);
    std::iota(values, values + 100, first);
  }
  static std::vector<std::int64_t> numbers(const ArrayView& view) {
    const auto values = view.as<std::int64_t>();
    return {values.begin(), values.end()};
  }

  std::shared_ptr<SegmentPool> pool_ = std::make_shared<SegmentPool>(
      SegmentPool::Limits{.cache_bytes = 0, .memory_bytes = 20 * kMiB});
  ipc::Segment segment_ =
      ipc::Segment::create(ipc::ControlSegment::size_bytes(1, kChunks, kChunks));
  ipc::WritableMapping mapping_{segment_.fd(), 0, segment_.size_bytes()};
  ipc::ControlSegment control_{mapping_.bytes(), 1, kChunks, kChunks};
};

TEST_F(EmitRunTest, TellsEachWorkerItsRegionWithRoomForAllRows) {
  EmitRun run = run_of();
  run.begin(3);
  const ipc::Emit emit = run.message(2);
  EXPECT_EQ(emit.extent, 2U);
  EXPECT_EQ(emit.extents, 3U);
  EXPECT_EQ(emit.limit_bytes, 20 * kMiB);
  EXPECT_EQ(emit.capacity_rows, 20 * kMiB / 10);
  ASSERT_EQ(emit.offsets.size(), 3U);
  EXPECT_EQ(emit.offsets[0], 0);
  EXPECT_GE(emit.offsets[2], emit.capacity_rows * 8);
  EXPECT_EQ(emit.offsets[2] % ipc::kHugePageBytes, 0);
  EXPECT_EQ(run.region(2).range_offset, 2 * emit.region_bytes);
  EXPECT_NE(run.region(1).memory->number(), run.region(2).memory->number());
  EXPECT_FALSE(run.gathers());
}

TEST_F(EmitRunTest, ThePartsAreThoseOfTheChunksInOrderAndNeighboursAreOne) {
  EmitRun run = run_of();
  run.begin(2);
  write_values(run, 0, 100);
  write_values(run, 1, 200);
  record(0, 1, 5, 2);
  record(1, 0, 0, 3);
  record(2, 0, 3, 4);
  record(3, 1, 0, 0);
  const auto outputs = run.finish(&control_);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0]->shape(), Shape{9});
  EXPECT_EQ(outputs[1]->shape(), (Shape{9, 2}));
  const std::vector<ArrayView> parts = outputs[0]->parts();
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(numbers(parts[0]), (std::vector<std::int64_t>{205, 206}));
  EXPECT_EQ(numbers(parts[1]), (std::vector<std::int64_t>{100, 101, 102, 103, 104, 105, 106}));
}

TEST_F(EmitRunTest, SeveralPartsAreNoViewAndTheHintSaysWhatToTake) {
  EmitRun run = run_of();
  run.begin(2);
  record(0, 0, 0, 1);
  record(1, 1, 0, 1);
  const auto outputs = run.finish(&control_);
  for (const auto& take :
       {std::function([&] { outputs[0]->view(); }), std::function([&] { outputs[0]->place(); })}) {
    const Error error = test::error_of(take);
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_NE(error.message().find("\"value\" is not one array but 2 parts"), std::string::npos)
        << error.message();
    EXPECT_NE(error.hint().find("Take the parts"), std::string::npos) << error.hint();
  }
}

TEST_F(EmitRunTest, OnePartIsAView) {
  EmitRun run = run_of();
  run.begin(2);
  write_values(run, 1, 7);
  record(0, 1, 2, 3);
  record(2, 1, 5, 1);
  const auto outputs = run.finish(&control_);
  EXPECT_EQ(numbers(outputs[0]->view()), (std::vector<std::int64_t>{9, 10, 11, 12}));
  const PlacedArray place = outputs[0]->place();
  const ipc::ReadOnlyMapping mapped(place.fd, place.range_offset, place.range_bytes);
  EXPECT_EQ(place.range_bytes, 32);
  EXPECT_EQ(reinterpret_cast<const std::int64_t*>(mapped.data())[3], 12);
}

TEST_F(EmitRunTest, NoRowsAreAnEmptyArrayAndSoIsAJobWithoutItems) {
  EmitRun none = run_of();
  none.begin(1);
  for (const auto& output : none.finish(&control_)) {
    EXPECT_EQ(output->view().shape()[0], 0);
    EXPECT_TRUE(output->parts().empty());
    EXPECT_EQ(output->place().range_bytes, 0);
  }
  EmitRun nothing = run_of();
  EXPECT_EQ(nothing.finish(nullptr)[1]->view().shape(), (Shape{0, 2}));
}

TEST_F(EmitRunTest, RecordsOfRowsThatThereCannotBeAreRefused) {
  EmitRun run = run_of();
  run.begin(2);
  const auto capacity = static_cast<std::uint64_t>(run.message(0).capacity_rows);
  for (const auto& [extent, first, rows] :
       {std::tuple{2U, std::uint64_t{0}, std::uint64_t{1}},
        {0U, std::uint64_t{0}, capacity + 1},
        {0U, capacity, std::uint64_t{1}},
        {0U, UINT64_MAX, std::uint64_t{1}},
        {65'535U, std::uint64_t{0}, static_cast<std::uint64_t>(ipc::kMostEmittedRows)}}) {
    record(2, extent, first, rows);
    const Error error = test::error_of([&] { run.finish(&control_); });
    EXPECT_EQ(error.code(), ErrorCode::kFailed);
    EXPECT_EQ(error.message(), "a worker's record of chunk 2 names rows that there cannot be");
  }
}

TEST_F(EmitRunTest, RowsThatAreTogetherMoreThanTheLimitAreRefused) {
  EmitRun run = run_of();
  run.begin(2);
  const auto capacity = static_cast<std::uint64_t>(run.message(0).capacity_rows);
  record(0, 0, 0, capacity);
  record(1, 1, 0, 1);
  EXPECT_EQ(test::error_of([&] { run.finish(&control_); }).code(), ErrorCode::kFailed);
}

TEST_F(EmitRunTest, WhatIsTakenCountsForTheLimitAsLongAsAnOutputLives) {
  EmitRun run = run_of();
  run.begin(1);
  control_.emitted_bytes() = 6 * kMiB;
  auto outputs = run.finish(&control_);
  EXPECT_EQ(run.taken_bytes(), 6 * kMiB);
  EXPECT_EQ(pool_->room_bytes(), 14 * kMiB);
  outputs.pop_back();
  EXPECT_EQ(pool_->room_bytes(), 14 * kMiB);
  outputs.clear();
  EXPECT_EQ(pool_->room_bytes(), 20 * kMiB);
}

TEST_F(EmitRunTest, AWordThatSaysMoreThanTheLimitCountsAsTheLimit) {
  EmitRun run = run_of();
  run.begin(1);
  control_.emitted_bytes() = UINT64_MAX;
  const auto outputs = run.finish(&control_);
  EXPECT_EQ(run.taken_bytes(), 20 * kMiB);
  EXPECT_EQ(pool_->room_bytes(), 0);
}

TEST_F(EmitRunTest, AFileHasItsSizeBeforeTheRowsAreCopiedIntoIt) {
  const test::TemporaryFolder folder;
  EmitRun run = run_of(folder / "value.npy");
  run.begin(1);
  EXPECT_TRUE(run.gathers());
  record(1, 0, 0, 5);
  run.size_files(control_);
  EXPECT_TRUE(run.files()[0]) << "for a worker that is started while rows are copied";
  auto outputs = run.finish(&control_);
  EXPECT_EQ(run.copied_bytes(), 40);
  EXPECT_FALSE(std::filesystem::exists(folder / "value.npy"));
  outputs[0]->publish();
  EXPECT_EQ(Dataset::open(folder / "value.npy").shape(), Shape{5});
}

}  // namespace
}  // namespace gristmill::engine
