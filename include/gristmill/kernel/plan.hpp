// The kernel's answer to a request. Part of kernel.hpp.
#pragma once

#include <algorithm>

#include <gristmill/kernel/request.hpp>

namespace gristmill::kernel {

// The index space and every output must be said, all else may be.
class Plan {
 public:
  // Requires: both outlive the Plan; plan is as the host makes it.
  Plan(const Request& request, gm_plan& plan) : request_(&request), plan_(&plan) {}

  // An item is a row of this input.
  Plan& rows_of(std::string_view input);
  // Items are 0 to count - 1, of no input. Errors: Invalid if count is negative.
  Plan& range(std::int64_t count);
  // An item is a tile of the pairs of rows x columns rows; run is called for each tile. The lengths
  // of a tile decide how much work it is: 256 if not said.
  Plan& tiles(std::int64_t rows, std::int64_t columns, std::int64_t tile_rows = 0,
              std::int64_t tile_columns = 0);
  // The same for pairs i <= j of the same rows. Off the diagonal, a tile also stands for its mirror
  // image.
  Plan& triangle(std::int64_t rows, std::int64_t tile_rows = 0);

  // Map and emit: one row per item (per row and column of tiles), of these lengths: none for one
  // element. Reduce: the whole output, none for a single element.
  Plan& output(std::string_view name, gm_dtype dtype, std::span<const std::int64_t> row);
  Plan& output(std::string_view name, gm_dtype dtype,
               std::initializer_list<std::int64_t> row = {}) {
    return output(name, dtype, std::span(row.begin(), row.size()));
  }
  template <class T>
  Plan& output(std::string_view name, std::initializer_list<std::int64_t> row = {}) {
    return output(name, dtype_of<T>(), row);
  }
  // Of a reduce: count elements of a plain type.
  template <class T>
  Plan& accumulator(std::int64_t count) {
    static_assert(std::is_trivially_copyable_v<T>, "accumulators are copied as bytes");
    if (count < 0) throw Failed("the plan has an accumulator of a negative length");
    // The host knows no accumulator without a byte.
    plan_->accumulator_bytes = std::max(
        detail::saturating_product(count, static_cast<std::int64_t>(sizeof(T))), std::int64_t{1});
    return *this;
  }
  // Of a reduce, for this job: see GM_EXACT_MERGE.
  Plan& exact_merge(bool exact) {
    plan_->flags = exact ? plan_->flags | GM_EXACT_MERGE : plan_->flags & ~unsigned{GM_EXACT_MERGE};
    return *this;
  }
  // What is read and written per item. Default: its row of the input of rows_of, and of all
  // outputs.
  Plan& bytes_per_item(std::int64_t bytes);
  // A constant estimate: from the request alone, the same on every machine.
  Plan& nanoseconds_per_item(double nanoseconds);
  // The code path taken on this machine; must be static.
  Plan& instruction_set(const char* name);

  // Fills in what follows from the rest. Called by the kit.
  void finish();

 private:
  // Axes that the index space gives an output.
  std::uint32_t item_axes() const;

  const Request* request_;
  gm_plan* plan_;
  bool has_space_ = false;
};

inline Plan& Plan::rows_of(std::string_view name) {
  const gm_kernel& kernel = request_->kernel();
  const std::size_t i = detail::index_of("input", kernel.inputs, kernel.input_count, name);
  has_space_ = true;
  plan_->index_space = GM_ROWS;
  plan_->input = static_cast<std::uint32_t>(i);
  plan_->items = request_->input(i).rows();
  return *this;
}

inline Plan& Plan::range(std::int64_t count) {
  if (count < 0) throw Failed("the plan has a negative number of items");
  has_space_ = true;
  plan_->index_space = GM_RANGE;
  plan_->items = count;
  return *this;
}

inline Plan& Plan::tiles(std::int64_t rows, std::int64_t columns, std::int64_t tile_rows,
                         std::int64_t tile_columns) {
  has_space_ = true;
  plan_->index_space = GM_TILES;
  plan_->rows = rows;
  plan_->columns = columns;
  plan_->tile_rows = tile_rows;
  plan_->tile_columns = tile_columns;
  return *this;
}

inline Plan& Plan::triangle(std::int64_t rows, std::int64_t tile_rows) {
  tiles(rows, rows, tile_rows, tile_rows);
  plan_->index_space = GM_TRIANGLE;
  return *this;
}

// output() may come before the index space is said, so axes in front are put in by finish().
inline Plan& Plan::output(std::string_view name, gm_dtype dtype,
                          std::span<const std::int64_t> row) {
  if (row.size() > GM_MAX_RANK) throw std::logic_error("an output has too many axes");
  const gm_kernel& kernel = request_->kernel();
  gm_array& array =
      plan_->outputs[detail::index_of("output", kernel.outputs, kernel.output_count, name)];
  if (std::any_of(row.begin(), row.end(), [](std::int64_t length) { return length < 0; })) {
    throw Failed("the plan has a negative length for output \"" + std::string(name) + "\"");
  }
  array.dtype = dtype;
  array.rank = static_cast<std::uint32_t>(row.size());
  std::copy(row.begin(), row.end(), array.shape);
  return *this;
}

inline Plan& Plan::bytes_per_item(std::int64_t bytes) {
  plan_->bytes_per_item = bytes;
  return *this;
}

inline Plan& Plan::nanoseconds_per_item(double nanoseconds) {
  plan_->nanoseconds_per_item = nanoseconds;
  return *this;
}

inline Plan& Plan::instruction_set(const char* name) {
  plan_->instruction_set = name;
  return *this;
}

inline std::uint32_t Plan::item_axes() const {
  switch (request_->kernel().pattern) {
    case GM_MAP:
      return plan_->index_space >= GM_TILES ? 2 : 1;
    case GM_EMIT:
      return 1;
    default:
      return 0;
  }
}

inline void Plan::finish() {
  const gm_kernel& kernel = request_->kernel();
  if (!has_space_) throw std::logic_error("the plan says no index space");
  if (kernel.pattern == GM_REDUCE && plan_->accumulator_bytes < 1) {
    throw std::logic_error("the plan says no accumulator");
  }
  const std::uint32_t axes = item_axes();
  const std::int64_t lengths[] = {plan_->index_space >= GM_TILES ? plan_->rows : plan_->items,
                                  plan_->columns};
  for (std::uint32_t i = 0; i < kernel.output_count; ++i) {
    gm_array& array = plan_->outputs[i];
    if (array.dtype == 0) {
      throw std::logic_error(std::string("the plan says nothing of output \"") +
                             kernel.outputs[i].name + "\"");
    }
    if (array.rank + axes > GM_MAX_RANK) throw std::logic_error("an output has too many axes");
    std::copy_backward(array.shape, array.shape + array.rank, array.shape + array.rank + axes);
    std::copy(lengths, lengths + axes, array.shape);
    array.rank += axes;
  }
}

}  // namespace gristmill::kernel
