#include <gristmill/format.h>

#include <gtest/gtest.h>

namespace gristmill {
namespace {

TEST(FormatTest, SizesHaveOneDecimalFromOneKibibyteOn) {
  EXPECT_EQ(format_size(0), "0 bytes");
  EXPECT_EQ(format_size(1), "1 byte");
  EXPECT_EQ(format_size(1023), "1023 bytes");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(std::int64_t{8} << 30), "8.0 GiB");
  EXPECT_EQ(format_size(INT64_MAX), "8.0 EiB");
}

TEST(FormatTest, SizesNeverShow1024OfAUnit) {
  EXPECT_EQ(format_size(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(format_size((std::int64_t{1} << 40) - 1), "1.0 TiB");
}

TEST(FormatTest, CountsHaveCommas) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(171075), "171,075");
  EXPECT_EQ(format_count(-100), "-100");
  EXPECT_EQ(format_count(-1234567), "-1,234,567");
  EXPECT_EQ(format_count(INT64_MIN), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace gristmill
