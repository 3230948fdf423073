#include "kernels/describe.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerElement = 0.2;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const kernel::Input& checked(const kernel::Input& rows) {
  return rows.require_dtype({GM_INT8, GM_INT16, GM_INT32, GM_INT64, GM_UINT8, GM_UINT16, GM_UINT32,
                             GM_UINT64, GM_FLOAT32, GM_FLOAT64});
}

// Writes one output, if anybody wants it.
template <class T, class Of>
void write(const kernel::Finish& finish, const char* name, const Of& of) {
  if (!finish.wanted(name)) return;
  const auto values = finish.output<T>(name);
  const auto columns = finish.accumulator<ColumnMoments>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = of(columns[i]);
}

}  // namespace

void Describe::plan(const kernel::Request& request, kernel::Plan& plan) {
  const kernel::Input rows = request.input("rows");
  checked(rows);
  if (rows.rank() == 0) throw kernel::Invalid("input \"rows\" has no rows: it is a single element");
  std::vector<std::int64_t> shape;
  for (std::uint32_t axis = 1; axis < rows.rank(); ++axis) shape.push_back(rows.shape(axis));
  plan.rows_of("rows").instruction_set(chosen_column_moments().instruction_set);
  plan.nanoseconds_per_item(kNanosecondsPerElement * static_cast<double>(rows.columns()));
  // An accumulator has at least a byte, also where there is no column.
  plan.accumulator<ColumnMoments>(std::max(rows.columns(), std::int64_t{1}));
  plan.output("count", GM_INT64, shape);
  for (const char* name : {"mean", "std", "min", "max"}) plan.output(name, GM_FLOAT64, shape);
}

Describe::Describe(const kernel::Request& request)
    : data_(static_cast<const std::byte*>(request.input("rows").data())),
      columns_(request.input("rows").columns()),
      element_bytes_(kernel::dtype_bytes(request.input("rows").dtype())),
      add_(chosen_column_moments().add[checked(request.input("rows")).dtype()]),
      ddof_(request.param<std::int64_t>("ddof")) {}

void Describe::run(const kernel::Chunk& chunk) const {
  add_(data_ + chunk.begin() * columns_ * element_bytes_, chunk.size(), columns_,
       chunk.accumulator<ColumnMoments>().data());
}

void Describe::merge(const kernel::Merge& merge) const {
  const auto from = merge.from<ColumnMoments>();
  const auto into = merge.into<ColumnMoments>();
  for (std::size_t i = 0; i < into.size(); ++i) kernels::merge(into[i], from[i]);
}

void Describe::finish(const kernel::Finish& finish) const {
  write<std::int64_t>(finish, "count", [](const ColumnMoments& c) { return c.count; });
  write<double>(finish, "mean", [](const ColumnMoments& c) { return c.count > 0 ? c.mean : kNan; });
  write<double>(finish, "std", [&](const ColumnMoments& c) {
    return standard_deviation(c.squares, c.count, ddof_);
  });
  write<double>(finish, "min", [](const ColumnMoments& c) { return c.count > 0 ? c.min : kNan; });
  write<double>(finish, "max", [](const ColumnMoments& c) { return c.count > 0 ? c.max : kNan; });
}

}  // namespace gristmill::kernels
