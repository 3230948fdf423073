#include <gristmill/array.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace gristmill {
namespace {

struct DTypeFacts {
  DType dtype;
  std::size_t size;
  std::string_view name;
};

constexpr std::array<DTypeFacts, 14> kDTypes = {{
    {DType::kBool, 1, "bool"},
    {DType::kInt8, 1, "int8"},
    {DType::kInt16, 2, "int16"},
    {DType::kInt32, 4, "int32"},
    {DType::kInt64, 8, "int64"},
    {DType::kUInt8, 1, "uint8"},
    {DType::kUInt16, 2, "uint16"},
    {DType::kUInt32, 4, "uint32"},
    {DType::kUInt64, 8, "uint64"},
    {DType::kFloat16, 2, "float16"},
    {DType::kFloat32, 4, "float32"},
    {DType::kFloat64, 8, "float64"},
    {DType::kComplex64, 8, "complex64"},
    {DType::kComplex128, 16, "complex128"},
}};
static_assert(kDTypes.back().dtype == kLastDType);

const DTypeFacts& facts_of(DType dtype) {
  const auto number = static_cast<std::size_t>(dtype);
  if (number < 1 || number > kDTypes.size()) {
    throw Error(ErrorCode::kInvalid, fmt::format("unknown dtype number {}", number));
  }
  return kDTypes[number - 1];
}

}  // namespace

std::size_t size_of(DType dtype) { return facts_of(dtype).size; }

std::string_view name_of(DType dtype) { return facts_of(dtype).name; }

std::optional<DType> dtype_named(std::string_view name) {
  const auto found = std::find_if(kDTypes.begin(), kDTypes.end(),
                                  [&](const DTypeFacts& facts) { return facts.name == name; });
  if (found == kDTypes.end()) return std::nullopt;
  return found->dtype;
}

std::string to_string(const Shape& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x "));
}

std::optional<std::int64_t> size_bytes(DType dtype, const Shape& shape) {
  auto product = static_cast<std::int64_t>(size_of(dtype));
  bool empty = false;
  for (const std::int64_t length : shape) {
    if (length < 0) return std::nullopt;
    // A length of 0 must not hide that the others overflow: strides are products of those.
    if (length == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, length, &product)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : product;
}

ArrayView::ArrayView(const void* data, DType dtype, Shape shape)
    : data_(data), dtype_(dtype), shape_(std::move(shape)) {
  if (shape_.size() > kMaxRank || !gristmill::size_bytes(dtype_, shape_)) {
    throw Error(ErrorCode::kInvalid,
                fmt::format("an array cannot have the shape {}", to_string(shape_)));
  }
}

std::int64_t ArrayView::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t length : shape_) {
    if (length == 0) return 0;
    product *= length;
  }
  return product;
}

void ArrayView::require_dtype(DType wanted) const {
  if (wanted == dtype_) return;
  throw Error(ErrorCode::kInvalid,
              fmt::format("cannot view an array of {} as {}", name_of(dtype_), name_of(wanted)));
}

void ArrayView::require_elements(std::size_t given) const {
  if (given == static_cast<std::size_t>(elements())) return;
  throw Error(ErrorCode::kInvalid,
              fmt::format("an array of the shape {} has {} elements, and {} were given",
                          to_string(shape_), elements(), given));
}

}  // namespace gristmill
