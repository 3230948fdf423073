#include "engine/npy_dtype.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

void expect_refused(std::string_view descr, const std::string& reason,
                    const std::string& hint = "") {
  const Error error = test::error_of([&] { parse_npy_dtype(descr); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr(reason)) << descr;
  EXPECT_THAT(error.hint(), HasSubstr(hint)) << descr;
}

TEST(NpyDTypeTest, EveryDTypeIsReadAsItIsWritten) {
  for (std::uint32_t number = 1; number <= static_cast<std::uint32_t>(kLastDType); ++number) {
    const auto dtype = static_cast<DType>(number);
    EXPECT_EQ(parse_npy_dtype(npy_dtype(dtype)), dtype) << name_of(dtype);
    EXPECT_EQ(npy_dtype(dtype).substr(2), std::to_string(size_of(dtype)));
  }
}

TEST(NpyDTypeTest, NamesThoseOfNumPy) {
  EXPECT_EQ(npy_dtype(DType::kBool), "|b1");
  EXPECT_EQ(npy_dtype(DType::kUInt8), "|u1");
  EXPECT_EQ(npy_dtype(DType::kInt16), "<i2");
  EXPECT_EQ(npy_dtype(DType::kFloat64), "<f8");
  EXPECT_EQ(npy_dtype(DType::kComplex128), "<c16");
}

TEST(NpyDTypeTest, TakesNativeOrderAndAnyOrderOfOneByte) {
  EXPECT_EQ(parse_npy_dtype("=f8"), DType::kFloat64);
  EXPECT_EQ(parse_npy_dtype("<b1"), DType::kBool);
  EXPECT_EQ(parse_npy_dtype(">i1"), DType::kInt8);
}

TEST(NpyDTypeTest, RefusesBigEndianWithAHint) {
  for (const auto* descr : {">f8", ">i2", ">u4", ">c16"}) {
    expect_refused(descr, "is big-endian", "numpy.save(f, a.astype(a.dtype.newbyteorder('<')))");
  }
}

TEST(NpyDTypeTest, RefusesWhatHasNoNumbers) {
  expect_refused("|O", "is Python objects", "astype");
  expect_refused("|S5", "is text");
  expect_refused("<U7", "is text");
  expect_refused("|T16", "is text");
  expect_refused("<M8[ns]", "is dates or times", "a.view('int64')");
  expect_refused("<m8[s]", "is dates or times", "a.view('int64')");
  expect_refused("|V8", "is raw bytes");
}

TEST(NpyDTypeTest, RefusesExtendedPrecisionWithAHint) {
  for (const auto* descr : {"<f16", "<f12", "<c32", "<c24"}) {
    expect_refused(descr, "is of extended precision", "astype('float64')");
  }
}

TEST(NpyDTypeTest, RefusesWhatIsUnknown) {
  for (const auto* descr :
       {"", "<", "f8", "<f", "<f7", "<b2", "<i16", "<x8", "<f8 ", "<f08", "!f8", "float64"}) {
    expect_refused(descr, "is unknown");
  }
  expect_refused("|f8", "has no byte order");
}

TEST(NpyDTypeTest, MessagesAreShortAndPrintable) {
  const Error error = test::error_of([] { parse_npy_dtype("\x1b" + std::string(60'000, 'x')); });
  EXPECT_LT(error.message().size(), 200U);
  EXPECT_EQ(error.message().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace gristmill::engine
