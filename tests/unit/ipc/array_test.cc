#include <gristmill/array.h>

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/support/error_of.h"

namespace gristmill {
namespace {

TEST(ArrayTest, EveryDTypeHasASizeAndANameThatLeadsBack) {
  for (std::uint32_t number = 1; number <= static_cast<std::uint32_t>(kLastDType); ++number) {
    const auto dtype = static_cast<DType>(number);
    EXPECT_GE(size_of(dtype), 1U);
    EXPECT_EQ(dtype_named(name_of(dtype)), dtype) << name_of(dtype);
  }
  EXPECT_EQ(size_of(DType::kFloat64), 8U);
  EXPECT_EQ(size_of(DType::kComplex128), 16U);
  EXPECT_EQ(size_of(DType::kFloat16), 2U);
  EXPECT_EQ(name_of(DType::kUInt32), "uint32");
}

TEST(ArrayTest, UnknownNamesAndNumbersAreNoDType) {
  EXPECT_FALSE(dtype_named("double"));
  EXPECT_FALSE(dtype_named(""));
  EXPECT_THROW(size_of(static_cast<DType>(0)), Error);
  EXPECT_THROW(name_of(static_cast<DType>(15)), Error);
}

TEST(ArrayTest, ShapesReadAsPeopleWriteThem) {
  EXPECT_EQ(to_string({3, 4}), "3 x 4");
  EXPECT_EQ(to_string({7}), "7");
  EXPECT_EQ(to_string(Shape{}), "scalar");
}

TEST(ArrayTest, SizeIsTheProduct) {
  EXPECT_EQ(size_bytes(DType::kFloat64, {3, 4}), 96);
  EXPECT_EQ(size_bytes(DType::kInt16, {}), 2);
  EXPECT_EQ(size_bytes(DType::kInt16, {5, 0, 5}), 0);
  EXPECT_EQ(size_bytes(DType::kInt8, {INT64_MAX}), INT64_MAX);
}

TEST(ArrayTest, SizeThatOverflowsOrIsNegativeIsNone) {
  EXPECT_FALSE(size_bytes(DType::kInt16, {INT64_MAX}));
  EXPECT_FALSE(size_bytes(DType::kFloat64, {std::int64_t{1} << 31, std::int64_t{1} << 31}));
  EXPECT_FALSE(size_bytes(DType::kInt8, {-1}));
  EXPECT_FALSE(size_bytes(DType::kInt8, {-2, -2}));
  EXPECT_FALSE(size_bytes(DType::kFloat64, {0, INT64_MAX, INT64_MAX}));
}

TEST(ArrayViewTest, ShowsTheCallersOwnMemory) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  const ArrayView view(std::span<const double>(values), {3, 2});
  EXPECT_EQ(view.dtype(), DType::kFloat64);
  EXPECT_EQ(view.rows(), 3);
  EXPECT_EQ(view.elements(), 6);
  EXPECT_EQ(view.size_bytes(), 48);
  EXPECT_EQ(view.as<double>().data(), values.data());
  EXPECT_EQ(view.as<double>().size(), 6U);
}

TEST(ArrayViewTest, ScalarIsOneElement) {
  const std::int32_t value = 7;
  const ArrayView view(&value, DType::kInt32, {});
  EXPECT_EQ(view.rows(), 1);
  EXPECT_EQ(view.as<std::int32_t>()[0], 7);
}

TEST(ArrayViewTest, EmptyArrayHasNoElements) {
  const ArrayView view(nullptr, DType::kInt32, {0, 5});
  EXPECT_EQ(view.rows(), 0);
  EXPECT_TRUE(view.as<std::int32_t>().empty());
}

TEST(ArrayViewTest, RefusesAnotherType) {
  const std::array<double, 2> values = {1, 2};
  const ArrayView view(std::span<const double>(values), {2});
  const Error error = test::error_of([&] { (void)view.as<float>(); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "cannot view an array of float64 as float32");
}

TEST(ArrayViewTest, RefusesAShapeThatDoesNotSuitTheElements) {
  const std::array<double, 6> values{};
  const Error error = test::error_of([&] { ArrayView(std::span<const double>(values), {3, 3}); });
  EXPECT_EQ(error.message(), "an array of the shape 3 x 3 has 9 elements, and 6 were given");
  EXPECT_THROW(ArrayView(values.data(), DType::kFloat64, {-1}), Error);
  EXPECT_THROW(ArrayView(values.data(), DType::kFloat64, Shape(9, 1)), Error);
  EXPECT_NO_THROW(ArrayView(values.data(), DType::kFloat64, Shape(8, 1)));
}

}  // namespace
}  // namespace gristmill
