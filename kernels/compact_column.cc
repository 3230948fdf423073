#include "kernels/compact_column.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace gristmill::kernels {

CompactColumn::CompactColumn(const kernel::Input& table, std::int64_t column)
    : elements_(static_cast<const std::byte*>(table.data()) +
                column * kernel::dtype_bytes(table.dtype())),
      stride_(table.columns()),
      dtype_(table.dtype()) {
  load(table.rows());
}

void CompactColumn::load(std::int64_t rows) {
  switch (dtype_) {
    case GM_INT8:
      return load_as<std::int8_t>(rows);
    case GM_INT16:
      return load_as<std::int16_t>(rows);
    case GM_INT32:
      return load_as<std::int32_t>(rows);
    case GM_INT64:
      return load_as<std::int64_t>(rows);
    case GM_UINT8:
      return load_as<std::uint8_t>(rows);
    case GM_UINT16:
      return load_as<std::uint16_t>(rows);
    case GM_UINT32:
      return load_as<std::uint32_t>(rows);
    case GM_UINT64:
      return load_as<std::uint64_t>(rows);
    case GM_FLOAT32:
      return load_as<float>(rows);
    default:
      return load_as<double>(rows);
  }
}

template <class T>
void CompactColumn::load_as(std::int64_t rows) {
  if constexpr (std::is_integral_v<T>) {
    const T* values = static_cast<const T*>(elements_);
    T least = 0;
    T most = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      least = std::min(least, values[row * stride_]);
      most = std::max(most, values[row * stride_]);
    }
    magnitude_ = std::max(static_cast<std::uint64_t>(most),
                          std::uint64_t{0} - static_cast<std::uint64_t>(least));
    const auto all_are = [&]<class To>(To) {
      return sizeof(To) < sizeof(T) && std::in_range<To>(least) && std::in_range<To>(most);
    };
    if (all_are(std::int8_t{})) return copy<std::int8_t, T>(rows);
    if (all_are(std::int16_t{})) return copy<std::int16_t, T>(rows);
    if (all_are(std::int32_t{})) return copy<std::int32_t, T>(rows);
  }
  if (stride_ != 1) copy<T, T>(rows);
}

template <class To, class From>
void CompactColumn::copy(std::int64_t rows) {
  if (rows > kCopyBytes / std::int64_t{sizeof(To)}) return;
  copy_.resize(static_cast<std::size_t>(rows) * sizeof(To));
  const From* from = static_cast<const From*>(elements_);
  To* to = reinterpret_cast<To*>(copy_.data());
  for (std::int64_t row = 0; row < rows; ++row) to[row] = static_cast<To>(from[row * stride_]);
  elements_ = to;
  stride_ = 1;
  dtype_ = kernel::dtype_of<To>();
}

}  // namespace gristmill::kernels
