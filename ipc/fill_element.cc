#include "ipc/fill_element.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace gristmill::ipc {
namespace {

template <class T>
ElementBytes bytes_of(T value) {
  ElementBytes bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class T>
std::optional<ElementBytes> whole(double value) {
  // The limits as numbers of float64 are exact, or one too many for 64 bits.
  const double below = std::ldexp(1.0, std::numeric_limits<T>::digits);
  const bool fits = value >= static_cast<double>(std::numeric_limits<T>::min()) && value < below;
  if (!fits || value != std::floor(value)) return std::nullopt;
  return bytes_of(static_cast<T>(value));
}

// IEEE 754 binary16, rounded to nearest, ties to even.
std::uint16_t half_of(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return 0x7E00;
  if (value == 0) return sign;
  const double magnitude = std::abs(value);
  if (magnitude >= 65520) return sign | 0x7C00;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  // In units of the last place: of subnormal numbers for the smallest.
  const int place = std::max(exponent, -13) - 11;
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -place)));
  const int biased = place + 24;  // 0 for subnormal numbers, whose carry is the first normal one
  return static_cast<std::uint16_t>(sign + (biased << 10) + static_cast<int>(units));
}

}  // namespace

std::optional<ElementBytes> fill_element(DType dtype, std::optional<double> value) {
  const double number = value.value_or(0);
  const double real = value.value_or(std::numeric_limits<double>::quiet_NaN());
  switch (dtype) {
    case DType::kBool:
      if (number != 0 && number != 1) return std::nullopt;
      return bytes_of(number != 0);
    case DType::kInt8:
      return whole<std::int8_t>(number);
    case DType::kInt16:
      return whole<std::int16_t>(number);
    case DType::kInt32:
      return whole<std::int32_t>(number);
    case DType::kInt64:
      return whole<std::int64_t>(number);
    case DType::kUInt8:
      return whole<std::uint8_t>(number);
    case DType::kUInt16:
      return whole<std::uint16_t>(number);
    case DType::kUInt32:
      return whole<std::uint32_t>(number);
    case DType::kUInt64:
      return whole<std::uint64_t>(number);
    case DType::kFloat16:
      return bytes_of(half_of(real));
    case DType::kFloat32:
    case DType::kComplex64:
      return bytes_of(static_cast<float>(real));
    case DType::kFloat64:
    case DType::kComplex128:
      return bytes_of(real);
  }
  return std::nullopt;
}

}  // namespace gristmill::ipc
