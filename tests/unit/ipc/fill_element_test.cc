#include "ipc/fill_element.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

namespace gristmill::ipc {
namespace {

template <class T>
T element(DType dtype, std::optional<double> value) {
  const std::optional<ElementBytes> bytes = fill_element(dtype, value);
  EXPECT_TRUE(bytes);
  T element{};
  if (bytes) std::memcpy(&element, bytes->data(), sizeof element);
  return element;
}

TEST(FillElementTest, WithoutAValueItIsNanOrZero) {
  EXPECT_TRUE(std::isnan(element<double>(DType::kFloat64, {})));
  EXPECT_TRUE(std::isnan(element<float>(DType::kFloat32, {})));
  EXPECT_TRUE(std::isnan(element<float>(DType::kComplex64, {})));
  EXPECT_TRUE(std::isnan(element<double>(DType::kComplex128, {})));
  EXPECT_EQ(element<std::uint16_t>(DType::kFloat16, {}), 0x7E00);
  EXPECT_EQ(element<std::int32_t>(DType::kInt32, {}), 0);
  EXPECT_EQ(element<std::uint8_t>(DType::kBool, {}), 0);
}

TEST(FillElementTest, WholeNumbersMustFitExactly) {
  EXPECT_EQ(element<std::int8_t>(DType::kInt8, -128), -128);
  EXPECT_FALSE(fill_element(DType::kInt8, 128));
  EXPECT_FALSE(fill_element(DType::kInt8, 0.5));
  EXPECT_EQ(element<std::uint8_t>(DType::kUInt8, 255), 255);
  EXPECT_FALSE(fill_element(DType::kUInt8, -1));
  EXPECT_EQ(element<std::int64_t>(DType::kInt64, -0x1p63), INT64_MIN);
  EXPECT_FALSE(fill_element(DType::kInt64, 0x1p63));
  EXPECT_EQ(element<std::uint64_t>(DType::kUInt64, 0x1p63), std::uint64_t{1} << 63);
  EXPECT_FALSE(fill_element(DType::kUInt64, 0x1p64));
  EXPECT_FALSE(fill_element(DType::kInt32, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(fill_element(DType::kBool, 2));
}

TEST(FillElementTest, HalfPrecisionIsRoundedToNearestEven) {
  const auto half = [](double value) { return element<std::uint16_t>(DType::kFloat16, value); };
  EXPECT_EQ(half(1), 0x3C00);
  EXPECT_EQ(half(-2), 0xC000);
  EXPECT_EQ(half(65504), 0x7BFF);
  EXPECT_EQ(half(65519.9), 0x7BFF);
  EXPECT_EQ(half(65520), 0x7C00);
  EXPECT_EQ(half(0x1p-24), 0x0001);
  EXPECT_EQ(half(0x1p-25), 0x0000);
  EXPECT_EQ(half(0x1p-14), 0x0400);
  EXPECT_EQ(half(1 + 0x1p-11), 0x3C00);
  EXPECT_EQ(half(1 + 0x3p-11), 0x3C02);
  EXPECT_EQ(half(-0.0), 0x8000);
  EXPECT_EQ(half(0.1), 0x2E66);
}

}  // namespace
}  // namespace gristmill::ipc
