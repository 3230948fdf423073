#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/job.h>

#include "tests/support/error_of.h"

namespace gristmill {
namespace {

using testing::HasSubstr;

void expect_refused(std::string_view text, const std::string& reason) {
  const Error error = test::error_of([&] { ChunkSize::parse(text); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr("invalid chunk size \"")) << text;
  EXPECT_THAT(error.message(), HasSubstr(reason)) << text;
  EXPECT_THAT(error.hint(), HasSubstr("64KiB")) << text;
}

TEST(ChunkSizeTest, IsAutomaticUnlessSaidOtherwise) {
  EXPECT_EQ(ChunkSize().unit(), ChunkSize::Unit::kAuto);
  EXPECT_EQ(ChunkSize::parse("auto").unit(), ChunkSize::Unit::kAuto);
}

TEST(ChunkSizeTest, ANumberCountsItems) {
  const ChunkSize size = ChunkSize::parse("500");
  EXPECT_EQ(size.unit(), ChunkSize::Unit::kItems);
  EXPECT_EQ(size.count(), 500);
  EXPECT_EQ(ChunkSize::parse("9223372036854775807").count(), INT64_MAX);
}

TEST(ChunkSizeTest, AUnitMakesItASize) {
  EXPECT_EQ(ChunkSize::parse("64KiB").unit(), ChunkSize::Unit::kBytes);
  EXPECT_EQ(ChunkSize::parse("64KiB").count(), 65'536);
  EXPECT_EQ(ChunkSize::parse("1MiB").count(), 1 << 20);
  EXPECT_EQ(ChunkSize::parse("2GiB").count(), std::int64_t{2} << 30);
}

TEST(ChunkSizeTest, RefusesZeroAndNegativeNumbers) {
  expect_refused("0", "at least 1");
  expect_refused("0KiB", "at least 1");
  expect_refused("-5", "at least 1");
  expect_refused("-1MiB", "at least 1");
}

TEST(ChunkSizeTest, RefusesWhatIsNotANumber) {
  for (const auto* text : {"", "many", "KiB", " 5", "+5", "Auto", "nan", "inf"}) {
    expect_refused(text, "not a number");
  }
}

TEST(ChunkSizeTest, RefusesUnknownUnits) {
  for (const auto* text :
       {"64KB", "64k", "64 KiB", "1.5MiB", "64KiBs", "5x", "5,000", "1e3", "64kib"}) {
    expect_refused(text, "is no unit");
  }
}

TEST(ChunkSizeTest, RefusesWhatOverflows) {
  expect_refused("9223372036854775808", "too large");
  expect_refused("99999999999999999999999999", "too large");
  expect_refused("9007199254740992KiB", "too large");
}

}  // namespace
}  // namespace gristmill
