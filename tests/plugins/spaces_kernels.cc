// Every pattern over every index space, with results that a plain loop can check: kernels
// map_rows, map_range, ..., emit_triangle.
#include <algorithm>
#include <csignal>
#include <gristmill/kernel.hpp>

#include "tests/plugins/pair_value.h"

namespace gristmill::test {
namespace {

constexpr const char* kNames[3][4] = {
    {"map_rows", "map_range", "map_tiles", "map_triangle"},
    {"reduce_rows", "reduce_range", "reduce_tiles", "reduce_triangle"},
    {"emit_rows", "emit_range", "emit_tiles", "emit_triangle"}};

// The items of any index space, as pairs of numbers and their values, in order.
template <gm_index_space kSpace>
class Pairs {
 public:
  explicit Pairs(const kernel::Request& request) {
    if (request.input("left").given()) left_ = request.input("left").as<std::int64_t>();
    if (request.input("right").given()) right_ = request.input("right").as<std::int64_t>();
    if (kSpace == GM_TRIANGLE) right_ = left_;
  }

  template <class Visit>
  void visit(const kernel::Chunk& chunk, const Visit& visit) const {
    if constexpr (kSpace == GM_ROWS || kSpace == GM_RANGE) {
      for (std::int64_t i = chunk.begin(); i < chunk.end(); ++i) visit(i, 0, value(i, 0));
    } else {
      for (std::int64_t i = chunk.row_begin(); i < chunk.row_end(); ++i) {
        for (std::int64_t j = chunk.column_begin(); j < chunk.column_end(); ++j) {
          if (kSpace == GM_TILES || i <= j) visit(i, j, value(i, j));
        }
      }
    }
  }

 private:
  std::int64_t value(std::int64_t i, std::int64_t j) const {
    return pair_value(left_.empty() ? i : left_[static_cast<std::size_t>(i)],
                      right_.empty() ? j : right_[static_cast<std::size_t>(j)]);
  }

  std::span<const std::int64_t> left_;
  std::span<const std::int64_t> right_;
};

// What they share: declarations, the plan of the items, and misbehaviour at an item.
template <gm_pattern kThePattern, gm_index_space kSpace>
class Spaces {
 public:
  static constexpr const char* kName = kNames[kThePattern][kSpace];
  static constexpr const char* kSummary = "a function of each item";
  static constexpr gm_pattern kPattern = kThePattern;
  static constexpr gm_input_decl kInputs[] = {
      kernel::optional(kernel::input<std::int64_t>("left", "N", kernel::rank(1))),
      kernel::optional(kernel::input<std::int64_t>("right", "M", kernel::rank(1)))};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "of a range", "0"),
      kernel::param<std::int64_t>("tile_rows", "of a tile", "0"),
      kernel::param<std::int64_t>("tile_columns", "of a tile", "0"),
      kernel::param<std::int64_t>("copies", "of each emitted row", "1"),
      kernel::param<std::int64_t>("at", "the row that it misbehaves at", "-1"),
      kernel::param<std::string_view>("how", "failed, overrun or killed", "failed")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("value", "int64"),
                                                kernel::output("pair", "2 int64")};

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    const auto tile_rows = request.param<std::int64_t>("tile_rows");
    if (kSpace == GM_ROWS) plan.rows_of("left");
    if (kSpace == GM_RANGE) plan.range(request.param<std::int64_t>("items"));
    if (kSpace == GM_TILES) {
      plan.tiles(request.input("left").rows(), request.input("right").rows(), tile_rows,
                 request.param<std::int64_t>("tile_columns"));
    }
    if (kSpace == GM_TRIANGLE) plan.triangle(request.input("left").rows(), tile_rows);
    plan.template output<std::int64_t>("value").template output<std::int64_t>("pair", {2});
    if (kThePattern == GM_REDUCE) plan.template accumulator<OrderedSum>(1);
  }
  explicit Spaces(const kernel::Request& request)
      : pairs_(request),
        copies_(request.param<std::int64_t>("copies")),
        at_(request.param<std::int64_t>("at")),
        how_(request.param<std::string_view>("how")) {}

 protected:
  void begin(const kernel::Chunk& chunk) const {
    chunk.count("runs", 1);
    if (chunk.begin() == 0) chunk.log("the first item");
  }
  void misbehave_at(std::int64_t i) const {
    if (i != at_) return;
    if (how_ == "failed") throw kernel::Failed("it was asked to fail");
    if (how_ == "killed") raise(SIGKILL);
  }
  bool overruns_at(std::int64_t i) const { return i == at_ && how_ == "overrun"; }

  Pairs<kSpace> pairs_;
  std::int64_t copies_;

 private:
  std::int64_t at_;
  std::string_view how_;
};

// Adds to its outputs, which must be zeros at entry; in a triangle to the mirror image, too.
template <gm_index_space kSpace>
class Map : public Spaces<GM_MAP, kSpace> {
 public:
  explicit Map(const kernel::Request& request)
      : Spaces<GM_MAP, kSpace>(request),
        columns_(kSpace == GM_TILES      ? request.input("right").rows()
                 : kSpace == GM_TRIANGLE ? request.input("left").rows()
                                         : 1) {}

  void run(const kernel::Chunk& chunk) const {
    this->begin(chunk);
    std::int64_t* values = nullptr;
    std::int64_t* numbers = nullptr;
    if (chunk.wanted("value")) values = chunk.whole_output<std::int64_t>("value").data();
    if (chunk.wanted("pair")) numbers = chunk.whole_output<std::int64_t>("pair").data();
    const auto add = [&](std::int64_t at, std::int64_t i, std::int64_t j, std::int64_t value) {
      if (values != nullptr) values[at] += value;
      if (numbers != nullptr) numbers[2 * at] += i, numbers[2 * at + 1] += j;
    };
    this->pairs_.visit(chunk, [&](std::int64_t i, std::int64_t j, std::int64_t value) {
      this->misbehave_at(i);
      add(i * columns_ + j, i, j, value);
      if (kSpace == GM_TRIANGLE && i != j) add(j * columns_ + i, i, j, value);
    });
  }

 private:
  std::int64_t columns_;
};

template <gm_index_space kSpace>
class Reduce : public Spaces<GM_REDUCE, kSpace> {
 public:
  using Spaces<GM_REDUCE, kSpace>::Spaces;

  void run(const kernel::Chunk& chunk) const {
    this->begin(chunk);
    OrderedSum& sum = chunk.accumulator<OrderedSum>()[0];
    this->pairs_.visit(chunk, [&](std::int64_t i, std::int64_t, std::int64_t value) {
      this->misbehave_at(i);
      sum.add(value);
    });
  }
  void merge(const kernel::Merge& merge) const {
    merge.into<OrderedSum>()[0].merge(merge.from<OrderedSum>()[0]);
  }
  void finish(const kernel::Finish& finish) const {
    const OrderedSum& sum = finish.accumulator<OrderedSum>()[0];
    if (finish.wanted("value")) finish.output<std::int64_t>("value")[0] = sum.result();
    if (finish.wanted("pair")) {
      finish.output<std::int64_t>("pair")[0] = sum.count();
      finish.output<std::int64_t>("pair")[1] = 0;
    }
  }
};

// Rows of some of the items, a few at a time.
template <gm_index_space kSpace>
class Emit : public Spaces<GM_EMIT, kSpace> {
 public:
  using Spaces<GM_EMIT, kSpace>::Spaces;

  void run(const kernel::Chunk& chunk) const {
    this->begin(chunk);
    this->pairs_.visit(chunk, [&](std::int64_t i, std::int64_t j, std::int64_t value) {
      this->misbehave_at(i);
      if (this->overruns_at(i)) chunk.emit(2).commit(3);
      if (!is_emitted(value)) return;
      // More than is needed: the rest is taken back.
      const auto rows = chunk.emit(this->copies_ + 3);
      for (std::size_t copy = 0; copy < static_cast<std::size_t>(this->copies_); ++copy) {
        if (rows.wanted("value")) rows.template output<std::int64_t>("value")[copy] = value;
        if (!rows.wanted("pair")) continue;
        rows.template output<std::int64_t>("pair")[2 * copy] = i;
        rows.template output<std::int64_t>("pair")[2 * copy + 1] = j;
      }
      rows.commit(this->copies_);
    });
  }
};

}  // namespace
}  // namespace gristmill::test

namespace test = gristmill::test;
GRISTMILL_KERNELS(test::Map<GM_ROWS>, test::Map<GM_RANGE>, test::Map<GM_TILES>,
                  test::Map<GM_TRIANGLE>, test::Reduce<GM_ROWS>, test::Reduce<GM_RANGE>,
                  test::Reduce<GM_TILES>, test::Reduce<GM_TRIANGLE>, test::Emit<GM_ROWS>,
                  test::Emit<GM_RANGE>, test::Emit<GM_TILES>, test::Emit<GM_TRIANGLE>)
