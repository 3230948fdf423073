#include "cli/array_text.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>

namespace gristmill::cli {
namespace {

constexpr std::int64_t kShownPerRow = 6;

template <class T>
T element(const ArrayView& array, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(array.data()) + index * std::int64_t{sizeof(T)},
              sizeof(T));
  return value;
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 0x1f) {
    return fraction != 0 ? NAN : sign * INFINITY;
  }
  if (exponent == 0) {
    return sign * std::ldexp(static_cast<float>(fraction), -24);
  }
  return sign * std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
}

// The sign of a NaN means nothing.
template <class T>
std::string float_text(T value, const char* format) {
  return std::isnan(value) ? "nan" : fmt::format(fmt::runtime(format), value);
}

template <class T>
std::string complex_text(const std::complex<T>& value) {
  return fmt::format("{}{:+}i", value.real(), value.imag());
}

}  // namespace

std::string element_text(const ArrayView& array, std::int64_t index) {
  switch (array.dtype()) {
    case DType::kBool:
      return element<std::uint8_t>(array, index) != 0 ? "true" : "false";
    case DType::kInt8:
      return std::to_string(element<std::int8_t>(array, index));
    case DType::kInt16:
      return std::to_string(element<std::int16_t>(array, index));
    case DType::kInt32:
      return std::to_string(element<std::int32_t>(array, index));
    case DType::kInt64:
      return std::to_string(element<std::int64_t>(array, index));
    case DType::kUInt8:
      return std::to_string(element<std::uint8_t>(array, index));
    case DType::kUInt16:
      return std::to_string(element<std::uint16_t>(array, index));
    case DType::kUInt32:
      return std::to_string(element<std::uint32_t>(array, index));
    case DType::kUInt64:
      return std::to_string(element<std::uint64_t>(array, index));
    case DType::kFloat16:
      return float_text(half_to_float(element<std::uint16_t>(array, index)), "{:.4g}");
    case DType::kFloat32:
      return float_text(element<float>(array, index), "{}");
    case DType::kFloat64:
      return float_text(element<double>(array, index), "{}");
    case DType::kComplex64:
      return complex_text(element<std::complex<float>>(array, index));
    case DType::kComplex128:
      return complex_text(element<std::complex<double>>(array, index));
  }
  return "?";
}

std::string elements_text(const ArrayView& array, std::int64_t most) {
  if (array.elements() == 0) {
    return "nothing";
  }
  std::string text;
  for (std::int64_t i = 0; i < std::min(array.elements(), most); ++i) {
    text += (i == 0 ? "" : ", ") + element_text(array, i);
  }
  return text + (array.elements() > most ? ", ..." : "");
}

std::string row_text(const ArrayView& array, std::int64_t row) {
  if (array.shape().size() <= 1) {
    return element_text(array, row);
  }
  const std::int64_t row_elements = array.elements() / array.rows();
  std::string text;
  for (std::int64_t i = 0; i < std::min(row_elements, kShownPerRow); ++i) {
    text += (i == 0 ? "" : ", ") + element_text(array, row * row_elements + i);
  }
  return fmt::format("[{}{}]", text, row_elements > kShownPerRow ? ", ..." : "");
}

}  // namespace gristmill::cli
