#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// A column of a table, for access in no order: a copy side by side, whole numbers in the narrowest
// dtype that holds them all, so that more of it is in the caches. A column of more than kCopyBytes,
// or one that is like that already, is a view of the input.
// Cost: two passes over the column.
class CompactColumn {
 public:
  static constexpr std::int64_t kCopyBytes = std::int64_t{64} << 20;

  // Requires: whole numbers, float32 or float64; such a column; the input outlives it.
  CompactColumn(const kernel::Input& table, std::int64_t column);
  CompactColumn(const CompactColumn&) = delete;
  CompactColumn& operator=(const CompactColumn&) = delete;

  const void* elements() const { return elements_; }
  std::int64_t stride() const { return stride_; }
  gm_dtype dtype() const { return dtype_; }
  // The largest of the absolute values; of whole numbers only.
  std::uint64_t magnitude() const { return magnitude_; }

 private:
  void load(std::int64_t rows);
  template <class T>
  void load_as(std::int64_t rows);
  template <class To, class From>
  void copy(std::int64_t rows);

  const void* elements_;
  std::int64_t stride_;
  gm_dtype dtype_;
  std::uint64_t magnitude_ = 0;
  std::vector<std::byte> copy_;
};

}  // namespace gristmill::kernels
