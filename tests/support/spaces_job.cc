#include "tests/support/spaces_job.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/plugins/pair_value.h"
#include "tests/support/row_hash_job.h"

namespace gristmill::test {
namespace {

Dataset numbers(std::int64_t count, std::int64_t factor) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(factor * i - 5);
  return Dataset::copy_of(ArrayView(std::span<const std::int64_t>(values), {count}));
}

}  // namespace

SpacesJob::SpacesJob(std::string pattern, std::string space, Lengths lengths)
    : pattern_(std::move(pattern)), space_(std::move(space)), lengths_(lengths) {
  if (space_ == "triangle") {
    lengths_.columns = lengths_.rows;
    lengths_.tile_columns = lengths_.tile_rows;
  }
  if (space_ != "range") inputs_.push_back({"left", numbers(lengths_.rows, 3)});
  if (space_ == "tiles") inputs_.push_back({"right", numbers(lengths_.columns, 7)});
  if (!has_tiles()) {
    for (std::int64_t i = 0; i < lengths_.rows; ++i)
      items_.push_back({i, 0, pair_value(left(i), 0)});
    return;
  }
  for (std::int64_t row = 0; row < lengths_.rows; row += lengths_.tile_rows) {
    const std::int64_t first = space_ == "triangle" ? row : 0;
    for (std::int64_t column = first; column < lengths_.columns; column += lengths_.tile_columns) {
      add_block(row, column);
    }
  }
}

void SpacesJob::add_block(std::int64_t row_begin, std::int64_t column_begin) {
  const std::int64_t row_end = std::min(row_begin + lengths_.tile_rows, lengths_.rows);
  const std::int64_t column_end = std::min(column_begin + lengths_.tile_columns, lengths_.columns);
  for (std::int64_t i = row_begin; i < row_end; ++i) {
    for (std::int64_t j = column_begin; j < column_end; ++j) {
      if (space_ == "triangle" && i > j) continue;
      items_.push_back({i, j, pair_value(left(i), right(j))});
    }
  }
}

std::int64_t SpacesJob::left(std::int64_t i) const { return space_ == "range" ? i : 3 * i - 5; }

std::int64_t SpacesJob::right(std::int64_t j) const {
  return space_ == "tiles" ? 7 * j - 5 : left(j);
}

JobSpec SpacesJob::spec(ChunkSize chunk_size) const {
  JobSpec spec{.kernel = pattern_ + "_" + space_, .inputs = inputs_, .chunk_size = chunk_size};
  if (space_ == "range") spec.params["items"] = lengths_.rows;
  if (has_tiles()) {
    spec.params["tile_rows"] = lengths_.tile_rows;
    spec.params["tile_columns"] = lengths_.tile_columns;
  }
  return spec;
}

std::vector<std::int64_t> SpacesJob::expected_values() const {
  std::vector<std::int64_t> values;
  if (pattern_ == "reduce") {
    OrderedSum sum;
    for (const Item& item : items_) sum.add(item.value);
    return {sum.result()};
  }
  if (pattern_ == "emit") {
    for (const Item& item : items_) {
      if (is_emitted(item.value)) values.push_back(item.value);
    }
    return values;
  }
  const std::int64_t columns = has_tiles() ? lengths_.columns : 1;
  values.resize(static_cast<std::size_t>(lengths_.rows * columns));
  for (const Item& item : items_) {
    values[static_cast<std::size_t>(item.i * columns + item.j)] = item.value;
    if (space_ == "triangle") {
      values[static_cast<std::size_t>(item.j * columns + item.i)] = item.value;
    }
  }
  return values;
}

std::vector<std::int64_t> SpacesJob::expected_pairs() const {
  if (pattern_ == "reduce") return {static_cast<std::int64_t>(items_.size()), 0};
  std::vector<std::int64_t> pairs;
  if (pattern_ == "emit") {
    for (const Item& item : items_) {
      if (is_emitted(item.value)) pairs.insert(pairs.end(), {item.i, item.j});
    }
    return pairs;
  }
  const std::int64_t columns = has_tiles() ? lengths_.columns : 1;
  for (std::int64_t i = 0; i < lengths_.rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const bool mirrored = space_ == "triangle" && i > j;
      pairs.insert(pairs.end(), {mirrored ? j : i, mirrored ? i : j});
    }
  }
  return pairs;
}

std::int64_t SpacesJob::emitted_rows() const {
  return std::count_if(items_.begin(), items_.end(),
                       [](const Item& item) { return is_emitted(item.value); });
}

void SpacesJob::check(const Result& result) const {
  ASSERT_TRUE(result.done()) << (result.error() ? result.error()->message() : "cancelled");
  check_each_chunk_once(result);
  for (const JobPlan::OutputPlan& output : result.summary().plan.outputs) {
    const bool is_pair = output.name == "pair";
    EXPECT_EQ(numbers_of(result, output.name), is_pair ? expected_pairs() : expected_values())
        << output.name;
    Shape shape;
    if (pattern_ == "emit") shape = {emitted_rows()};
    if (pattern_ == "map") shape = {lengths_.rows};
    if (pattern_ == "map" && has_tiles()) shape.push_back(lengths_.columns);
    if (is_pair) shape.push_back(2);
    EXPECT_EQ(output.shape, shape) << output.name;
  }
}

std::vector<std::int64_t> numbers_of(const Result& result, const std::string& output) {
  std::vector<std::int64_t> numbers;
  for (const ArrayView& part : result.parts(output)) {
    const auto values = part.as<std::int64_t>();
    numbers.insert(numbers.end(), values.begin(), values.end());
  }
  return numbers;
}

}  // namespace gristmill::test
