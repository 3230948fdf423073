#include "workers/emitted_rows.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ipc/segment.h"
#include "tests/support/error_of.h"
#include "workers/row_gatherer.h"

namespace gristmill::workers {
namespace {

constexpr std::int64_t kRegionBytes = std::int64_t{8} << 20;
constexpr std::uint32_t kChunks = 6;

// Two workers' regions; rows of an int64 and of two bytes, of which the third output is not wanted.
class EmittedRowsTest : public testing::Test {
 protected:
  EmittedRowsTest() {
    emit_.extents = 2;
    emit_.region_bytes = kRegionBytes;
    emit_.capacity_rows = 100'000;
    emit_.limit_bytes = kRegionBytes;
    emit_.offsets = {0, std::int64_t{4} << 20, 0};
    emit_.files.resize(3);
  }

  ipc::Emit emit_of(std::uint32_t extent) const {
    ipc::Emit emit = emit_;
    emit.extent = extent;
    return emit;
  }
  MappedMemory& region(std::uint32_t extent) {
    return memory_.map(segment_.fd(),
                       {0, 10 + extent, extent * kRegionBytes, kRegionBytes, 0, false},
                       ipc::Access::kWrite);
  }
  EmittedRows rows(std::uint32_t extent) {
    return EmittedRows(emit_of(extent), specs_, wanted_, region(extent), control_);
  }
  // Rows of these numbers, in both outputs.
  static void emit(EmittedRows& rows, std::uint32_t chunk,
                   const std::vector<std::int64_t>& numbers) {
    rows.begin_chunk();
    const gm_array* arrays = rows.make_room(static_cast<std::int64_t>(numbers.size()) + 3);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      static_cast<std::int64_t*>(arrays[0].data)[i] = numbers[i];
      static_cast<std::uint8_t*>(arrays[1].data)[2 * i] = static_cast<std::uint8_t>(numbers[i]);
    }
    rows.commit(static_cast<std::int64_t>(numbers.size()));
    rows.end_chunk(chunk);
  }
  ipc::EmittedRange record(std::uint32_t chunk) const {
    return ipc::read_record(control_.record(chunk));
  }

  const std::vector<ipc::ArraySpec> specs_ = {
      {DType::kInt64, {0}}, {DType::kUInt8, {0, 2}}, {DType::kInt64, {0}}};
  const std::vector<bool> wanted_ = {true, true, false};
  ipc::Segment segment_ = ipc::Segment::create(2 * kRegionBytes);
  ipc::Segment control_segment_ =
      ipc::Segment::create(ipc::ControlSegment::size_bytes(2, kChunks, kChunks));
  ipc::WritableMapping control_mapping_{control_segment_.fd(), 0, control_segment_.size_bytes()};
  ipc::ControlSegment control_{control_mapping_.bytes(), 2, kChunks, kChunks};
  ipc::Emit emit_;
  MemoryCache memory_;
};

TEST_F(EmittedRowsTest, ChunksLieBehindEachOtherAndTheirRecordsSayWhere) {
  EmittedRows rows = this->rows(1);
  emit(rows, 2, {1, 2, 3});
  emit(rows, 5, {});
  emit(rows, 0, {4, 5});
  EXPECT_EQ(record(2).extent, 1U);
  EXPECT_EQ(record(2).first_row, 0);
  EXPECT_EQ(record(2).rows, 3);
  EXPECT_EQ(record(5).rows, 0);
  EXPECT_EQ(record(0).first_row, 3);
  EXPECT_EQ(record(0).rows, 2);
  const auto* numbers = reinterpret_cast<const std::int64_t*>(region(1).data());
  EXPECT_TRUE(std::equal(numbers, numbers + 5, std::vector<std::int64_t>{1, 2, 3, 4, 5}.begin()));
}

TEST_F(EmittedRowsTest, WhatAChunkLeftWithoutItsRecordIsWrittenOver) {
  EmittedRows rows = this->rows(0);
  rows.begin_chunk();
  rows.make_room(5);
  rows.commit(5);
  emit(rows, 1, {7});
  EXPECT_EQ(record(1).first_row, 0);
  EXPECT_EQ(*reinterpret_cast<const std::int64_t*>(region(0).data()), 7);
}

TEST_F(EmittedRowsTest, OutputsThatNobodyWantsHaveNoRoom) {
  EmittedRows rows = this->rows(0);
  rows.begin_chunk();
  const gm_array* arrays = rows.make_room(2);
  EXPECT_NE(arrays[0].data, nullptr);
  EXPECT_EQ(arrays[0].shape[0], 2);
  EXPECT_EQ(arrays[1].shape[1], 2);
  EXPECT_EQ(arrays[2].data, nullptr);
}

TEST_F(EmittedRowsTest, MoreThanThereIsRoomForIsNotCommitted) {
  EmittedRows rows = this->rows(0);
  rows.begin_chunk();
  rows.make_room(2);
  for (const std::int64_t count : {3, -1}) {
    EXPECT_EQ(test::error_of([&] { rows.commit(count); }).code(), ErrorCode::kFailed);
  }
  rows.commit(2);
  EXPECT_EQ(test::error_of([&] { rows.commit(1); }).code(), ErrorCode::kFailed) << "without room";
  EXPECT_EQ(test::error_of([&] { rows.make_room(-1); }).code(), ErrorCode::kFailed);
}

TEST_F(EmittedRowsTest, TheCapacityAndTheSharedLimitAreKept) {
  emit_.limit_bytes = std::int64_t{5} << 20;
  EmittedRows first = this->rows(0);
  EmittedRows second = this->rows(1);
  first.begin_chunk();
  second.begin_chunk();
  EXPECT_EQ(test::error_of([&] { first.make_room(100'001); }).code(), ErrorCode::kResources);
  // Ten bytes a row, counted in steps of 2 MiB.
  first.make_room(100'000);
  second.make_room(1000);
  EXPECT_NO_THROW(first.make_room(100'000)) << "counted already";
  emit_.limit_bytes = std::int64_t{2} << 20;
  EmittedRows third = this->rows(1);
  third.begin_chunk();
  // 1,000,000 bytes each are counted, so that 97,152 are left of 2 MiB.
  EXPECT_EQ(test::error_of([&] { third.make_room(9716); }).code(), ErrorCode::kResources);
  EXPECT_NO_THROW(third.make_room(9715)) << "exactly what is left";
  EXPECT_EQ(control_.emitted_bytes(), 2'097'150U);
}

TEST_F(EmittedRowsTest, RoomThatIsAskedForInExcessHasNoPages) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 30;
  const ipc::Segment segment = ipc::Segment::create(kLarge);
  emit_.region_bytes = emit_.limit_bytes = kLarge;
  emit_.capacity_rows = 100'000'000;
  emit_.offsets = {0, std::int64_t{800} << 20, 0};
  MappedMemory& region =
      memory_.map(segment.fd(), {0, 20, 0, kLarge, 0, false}, ipc::Access::kWrite);
  EmittedRows rows(emit_of(0), specs_, wanted_, region, control_);
  rows.begin_chunk();
  for (int i = 0; i < 3; ++i) {
    rows.make_room(90'000'000);
    rows.commit(1);
  }
  struct stat status {};
  ASSERT_EQ(fstat(segment.fd(), &status), 0);
  EXPECT_LE(status.st_blocks * 512, std::int64_t{140} << 20) << "of 900 MB that were asked for";
}

TEST_F(EmittedRowsTest, ARegionThatIsTooSmallIsRefused) {
  emit_.capacity_rows = kRegionBytes;
  EXPECT_EQ(test::error_of([&] { this->rows(0); }).code(), ErrorCode::kInternal);
}

class RowGathererTest : public EmittedRowsTest {
 protected:
  std::vector<ipc::UniqueFd> fds() const {
    std::vector<ipc::UniqueFd> all;
    for (const int fd : {segment_.fd(), file_.fd()}) all.emplace_back(dup(fd));
    return all;
  }

  ipc::Segment file_ = ipc::Segment::create(4096);
};

TEST_F(RowGathererTest, CopiesTheRowsInTheOrderOfTheChunks) {
  EmittedRows first = this->rows(0);
  EmittedRows second = this->rows(1);
  emit(second, 0, {10, 11});
  emit(first, 1, {20});
  emit(first, 3, {30, 31, 32});
  emit(second, 2, {});
  emit(second, 4, {40});
  emit(first, 5, {50});
  emit_.files[0] = ipc::Placement{1, 77, 0, 0, 0, false};
  const std::vector<ipc::UniqueFd> fds = this->fds();
  RowGatherer gatherer(emit_, specs_, fds, memory_, control_);
  for (std::uint32_t chunk : {5U, 0U, 3U, 1U, 2U, 4U, 4U}) gatherer.gather(chunk);
  const ipc::ReadOnlyMapping file(file_.fd(), 0, 64);
  const auto* numbers = reinterpret_cast<const std::int64_t*>(file.data());
  EXPECT_EQ(std::vector<std::int64_t>(numbers, numbers + 8),
            (std::vector<std::int64_t>{10, 11, 20, 30, 31, 32, 40, 50}));
}

TEST_F(RowGathererTest, ARecordThatIsChangedAfterItWasCheckedIsNotReadAgain) {
  EmittedRows rows = this->rows(0);
  for (std::uint32_t chunk = 0; chunk < kChunks; ++chunk) emit(rows, chunk, {chunk});
  emit_.files[0] = ipc::Placement{1, 77, 0, 0, 0, false};
  const std::vector<ipc::UniqueFd> fds = this->fds();
  RowGatherer gatherer(emit_, specs_, fds, memory_, control_);
  control_.record(0).first_row = 4;
  control_.record(0).rows = ipc::pack_rows(0, 100'000);
  gatherer.gather(0);
  const ipc::ReadOnlyMapping file(file_.fd(), 0, 64);
  EXPECT_EQ(*reinterpret_cast<const std::int64_t*>(file.data()), 0);
}

TEST_F(RowGathererTest, RecordsOfRowsThatThereCannotBeAreRefused) {
  const std::vector<ipc::UniqueFd> fds = this->fds();
  for (const auto& [first, rows] : {std::pair{std::uint64_t{0}, ipc::pack_rows(2, 1)},
                                    {0, ipc::pack_rows(0, 100'001)},
                                    {std::uint64_t{100'000}, ipc::pack_rows(0, 1)},
                                    {UINT64_MAX, ipc::pack_rows(0, 1)}}) {
    control_.record(3).first_row = first;
    control_.record(3).rows = rows;
    EXPECT_EQ(test::error_of([&] { RowGatherer(emit_, specs_, fds, memory_, control_); }).code(),
              ErrorCode::kInternal);
  }
}

}  // namespace
}  // namespace gristmill::workers
