#include "engine/file_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include <gristmill/dataset.h>

#include "ipc/mapping.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

class FileOutputTest : public testing::Test {
 protected:
  bool nothing_is_left() const { return std::filesystem::is_empty(folder_.path()); }

  test::TemporaryFolder folder_;
};

TEST_F(FileOutputTest, WhatIsWrittenInPlaceIsANpyFile) {
  const auto path = folder_ / "out.npy";
  FileOutput output("distance", DType::kFloat64, {3, 2}, path, true);
  EXPECT_EQ(output.size_bytes(), 48);
  EXPECT_EQ(output.place().range_offset, 4096);
  EXPECT_EQ(output.path(), path);
  {
    const ipc::WritableMapping mapping(output.place().fd, output.place().range_offset,
                                       output.size_bytes());
    const double value = 2.5;
    std::memcpy(mapping.data() + 40, &value, sizeof value);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  output.publish();
  EXPECT_EQ(std::filesystem::file_size(path), 4096U + 48U);

  const Dataset read = Dataset::open(path);
  EXPECT_EQ(read.shape(), (Shape{3, 2}));
  EXPECT_EQ(read.view().as<double>()[0], 0.0);
  EXPECT_EQ(read.view().as<double>()[5], 2.5);
  EXPECT_EQ(read.storage() != nullptr, true);
  EXPECT_EQ(output.view().as<double>()[5], 2.5);
}

TEST_F(FileOutputTest, SpaceIsReserved) {
  const FileOutput output("distance", DType::kUInt8, {8 << 20}, folder_ / "out.npy", true);
  struct stat status {};
  ASSERT_EQ(fstat(output.place().fd, &status), 0);
  EXPECT_EQ(status.st_size, 4096 + (8 << 20));
  EXPECT_GE(status.st_blocks * 512, 8 << 20);
}

TEST_F(FileOutputTest, NoItemsAreAValidFile) {
  FileOutput output("distance", DType::kFloat64, {0, 2}, folder_ / "out.npy", true);
  output.publish();
  EXPECT_EQ(Dataset::open(folder_ / "out.npy").shape(), (Shape{0, 2}));
  EXPECT_EQ(output.view().rows(), 0);
}

TEST_F(FileOutputTest, NothingIsLeftWhenItIsNotPublished) {
  { const FileOutput output("distance", DType::kFloat64, {1000}, folder_ / "out.npy", true); }
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(FileOutputTest, MoreThanIsFreeIsRefusedWithBothNumbers) {
  const Error error = test::error_of([&] {
    FileOutput("distance", DType::kFloat64, {std::int64_t{1} << 57}, folder_ / "out.npy", true);
  });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve output \"distance\": no space left on device");
  EXPECT_THAT(error.detail(), HasSubstr("1.0 EiB were asked for and "));
  EXPECT_THAT(error.detail(),
              HasSubstr("free on the file system of \"" + folder_.path().string() + "\""));
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(FileOutputTest, SizeBeyondInt64IsRefused) {
  EXPECT_THROW(FileOutput("x", DType::kFloat64, {INT64_MAX}, folder_ / "out.npy", true), Error);
  EXPECT_EQ(test::error_of([&] {
              FileOutput("x", DType::kUInt8, {INT64_MAX}, folder_ / "out.npy", true);
            }).code(),
            ErrorCode::kResources);
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(FileOutputTest, FileSizeLimitIsAnErrorAndNotASignal) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 1 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  const Error error = test::error_of(
      [&] { FileOutput("distance", DType::kUInt8, {1 << 20}, folder_ / "out.npy", true); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(FileOutputTest, DoesNotReplaceWhenItMustNot) {
  FileOutput output("distance", DType::kFloat64, {3}, folder_ / "out.npy", false);
  folder_.write("out.npy", "old");
  EXPECT_EQ(test::error_of([&] { output.publish(); }).code(), ErrorCode::kFailed);
  EXPECT_EQ(std::filesystem::file_size(folder_ / "out.npy"), 3U);
}

}  // namespace
}  // namespace gristmill::engine
