#include "kernels/select.h"

#include <algorithm>
#include <cstring>

#include "kernels/column_param.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerRow = 1.0;
// So many rows that their numbers stay in the first-level cache.
constexpr std::int64_t kBlockRows = 4096;

std::int64_t checked_column(const kernel::Request& request) {
  return column_param(request, "column", "rows");
}

// The length of a row at compile time, where that is common: a copy is then one instruction.
template <std::size_t kRowBytes>
void copy_fixed(const std::byte* first, const std::uint32_t* chosen, std::int64_t count,
                std::byte* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to + static_cast<std::size_t>(i) * kRowBytes, first + chosen[i] * kRowBytes,
                kRowBytes);
  }
}

}  // namespace

void copy_rows(const std::byte* first, std::size_t row_bytes, const std::uint32_t* chosen,
               std::int64_t count, std::byte* to) {
  switch (row_bytes) {
    case 4:
      return copy_fixed<4>(first, chosen, count, to);
    case 8:
      return copy_fixed<8>(first, chosen, count, to);
    case 16:
      return copy_fixed<16>(first, chosen, count, to);
    case 24:
      return copy_fixed<24>(first, chosen, count, to);
    default:
      for (std::int64_t i = 0; i < count; ++i) {
        std::memcpy(to + static_cast<std::size_t>(i) * row_bytes, first + chosen[i] * row_bytes,
                    row_bytes);
      }
  }
}

void Select::plan(const kernel::Request& request, kernel::Plan& plan) {
  const kernel::Input rows = request.input("rows");
  checked_column(request);
  Condition::parse(request.param<std::string_view>("where"));
  plan.rows_of("rows")
      .output("rows", rows.dtype(), rows.row_shape())
      .output<std::int64_t>("index")
      .nanoseconds_per_item(kNanosecondsPerRow);
}

Select::Select(const kernel::Request& request)
    : condition_(Condition::parse(request.param<std::string_view>("where"))),
      rows_(static_cast<const std::byte*>(request.input("rows").data())) {
  const kernel::Input rows = request.input("rows");
  const std::int64_t element_bytes = kernel::dtype_bytes(rows.dtype());
  row_bytes_ = static_cast<std::size_t>(rows.columns() * element_bytes);
  column_ = {rows_ + checked_column(request) * element_bytes, rows.dtype(), rows.columns()};
}

void Select::run(const kernel::Chunk& chunk) const {
  std::uint32_t chosen[kBlockRows];
  for (std::int64_t begin = chunk.begin(); begin < chunk.end(); begin += kBlockRows) {
    const std::int64_t end = std::min(begin + kBlockRows, chunk.end());
    const std::int64_t count = condition_.choose(column_, begin, end, chosen);
    if (count == 0) continue;
    const kernel::Rows rows = chunk.emit(count);
    if (rows.wanted("rows")) {
      copy_rows(rows_ + static_cast<std::size_t>(begin) * row_bytes_, row_bytes_, chosen, count,
                rows.output_bytes("rows").data());
    }
    if (rows.wanted("index")) {
      const auto index = rows.output<std::int64_t>("index");
      for (std::size_t i = 0; i < index.size(); ++i) index[i] = begin + chosen[i];
    }
    rows.commit(count);
  }
}

}  // namespace gristmill::kernels
