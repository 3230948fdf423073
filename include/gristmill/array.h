#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/error.h>

namespace gristmill {

// Element types. The values are part of the kernel ABI (kernel.h) and of the messages.
enum class DType : std::uint32_t {
  kBool = 1,
  kInt8 = 2,
  kInt16 = 3,
  kInt32 = 4,
  kInt64 = 5,
  kUInt8 = 6,
  kUInt16 = 7,
  kUInt32 = 8,
  kUInt64 = 9,
  kFloat16 = 10,
  kFloat32 = 11,
  kFloat64 = 12,
  kComplex64 = 13,
  kComplex128 = 14,
};

inline constexpr DType kLastDType = DType::kComplex128;
inline constexpr std::size_t kMaxRank = 8;

// Bytes per element.
std::size_t size_of(DType dtype);
// NumPy's name: "float64".
std::string_view name_of(DType dtype);
// The dtype of that NumPy name, or none.
std::optional<DType> dtype_named(std::string_view name);

// Lengths per axis, row-major. An empty shape is one element.
using Shape = std::vector<std::int64_t>;

// "3 x 4", "scalar" for an empty shape.
std::string to_string(const Shape& shape);

// Product of the lengths times the element size; none if a length is negative or it overflows
// int64.
std::optional<std::int64_t> size_bytes(DType dtype, const Shape& shape);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType kDType = DType::kBool;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType kDType = DType::kInt8;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType kDType = DType::kInt16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType kDType = DType::kInt32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType kDType = DType::kInt64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType kDType = DType::kUInt8;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType kDType = DType::kUInt16;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType kDType = DType::kUInt32;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType kDType = DType::kUInt64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType kDType = DType::kFloat32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType kDType = DType::kFloat64;
};

// A read-only view of a C-contiguous array: no copy, does not own its bytes. Whoever hands one
// out says what keeps them alive.
class ArrayView {
 public:
  // Errors: kInvalid for more than kMaxRank axes, a negative length, or a size beyond int64.
  ArrayView(const void* data, DType dtype, Shape shape);
  // A view of the caller's own memory. Errors: also kInvalid when values does not hold exactly as
  // many elements as the shape.
  template <class T>
  ArrayView(std::span<const T> values, Shape shape)
      : ArrayView(values.data(), DTypeOf<T>::kDType, std::move(shape)) {
    require_elements(values.size());
  }

  const void* data() const { return data_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  // Length of axis 0; 1 for a scalar.
  std::int64_t rows() const { return shape_.empty() ? 1 : shape_[0]; }
  std::int64_t elements() const;
  std::int64_t size_bytes() const {
    return elements() * static_cast<std::int64_t>(size_of(dtype_));
  }

  // All elements in row-major order, no copy. Errors: kInvalid if T is not the dtype.
  template <class T>
  std::span<const T> as() const {
    require_dtype(DTypeOf<T>::kDType);
    return {static_cast<const T*>(data_), static_cast<std::size_t>(elements())};
  }

 private:
  void require_dtype(DType wanted) const;
  void require_elements(std::size_t given) const;

  const void* data_;
  DType dtype_;
  Shape shape_;
};

}  // namespace gristmill
