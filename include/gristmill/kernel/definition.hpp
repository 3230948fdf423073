// Kernels as one expression with a lambda. Part of kernel.hpp.
#pragma once

#include <array>

#include <gristmill/kernel/adapter.hpp>

namespace gristmill::kernel {

// The dtype and row shape of an output of a definition.
struct OutputRule {
  gm_output_decl declaration{};
  gm_dtype dtype = 0;          // 0: that of the input `like`
  const char* like = nullptr;  // has the row shape of this input
  std::int64_t lengths[GM_MAX_RANK - 2] = {};
  std::size_t axes = 0;
};

// An output whose rows have these lengths; none: one element.
template <class T>
constexpr OutputRule output(const char* name, const char* help,
                            std::initializer_list<std::int64_t> row = {}) {
  OutputRule rule{{name, help}, dtype_of<T>()};
  for (const std::int64_t length : row) rule.lengths[rule.axes++] = length;
  return rule;
}
// One whose rows are shaped as those of an input; of element type T, or the input's.
template <class T>
constexpr OutputRule output_like(const char* name, const char* help, const char* input) {
  return {{name, help}, dtype_of<T>(), input};
}
constexpr OutputRule output_like(const char* name, const char* help, const char* input) {
  return {{name, help}, 0, input};
}

namespace detail {

template <class Function>
struct MapBody {
  static constexpr gm_pattern kPattern = GM_MAP;
  Function run;
};

template <class Function>
struct EmitBody {
  static constexpr gm_pattern kPattern = GM_EMIT;
  Function run;
};

template <class T, class Length, class Add, class Merging, class Finishing>
struct ReduceBody {
  static constexpr gm_pattern kPattern = GM_REDUCE;
  using Element = T;
  Length length;
  Add add;
  Merging merge;
  Finishing finish;
};

struct NoBody {};

}  // namespace detail

// What define() begins: see kernel.hpp. Every call returns a new definition; map, emit or reduce is
// the last one. Lambdas capture nothing.
template <std::size_t kInputCount = 0, std::size_t kParamCount = 0, std::size_t kOutputCount = 0,
          class Body = detail::NoBody>
struct Definition {
  // NOLINTBEGIN(readability-identifier-naming): calls have the names without underscore
  const char* name_;
  const char* summary_;
  const char* description_;
  std::uint32_t flags_ = 0;
  gm_index_space space_ = GM_ROWS;
  const char* space_input_ = nullptr;  // null: the first
  const char* space_columns_ = nullptr;
  std::array<gm_input_decl, kInputCount> inputs_{};
  std::array<gm_param_decl, kParamCount> params_{};
  std::array<OutputRule, kOutputCount> outputs_{};
  Body body_{};
  // NOLINTEND(readability-identifier-naming)

  constexpr auto inputs(auto... declarations) const {
    auto next = with<sizeof...(declarations), kParamCount, kOutputCount, Body>();
    next.inputs_ = {declarations...};
    return next;
  }
  constexpr auto params(auto... declarations) const {
    auto next = with<kInputCount, sizeof...(declarations), kOutputCount, Body>();
    next.params_ = {declarations...};
    return next;
  }
  constexpr auto outputs(auto... rules) const {
    auto next = with<kInputCount, kParamCount, sizeof...(rules), Body>();
    next.outputs_ = {rules...};
    return next;
  }
  constexpr auto description(const char* text) const {
    auto next = *this;
    next.description_ = text;
    return next;
  }
  // GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT, ...
  constexpr auto flags(std::uint32_t flags) const {
    auto next = *this;
    next.flags_ = flags;
    return next;
  }

  // Items are the rows of that input; without any of these calls, of the first.
  constexpr auto rows_of(const char* input) const { return over(GM_ROWS, input, nullptr); }
  // Items are 0 to n - 1, with n the value of that int parameter.
  constexpr auto range(const char* param) const { return over(GM_RANGE, param, nullptr); }
  // Items are tiles of all pairs of a row of one input and a row of the other.
  constexpr auto tiles(const char* rows, const char* columns) const {
    return over(GM_TILES, rows, columns);
  }
  // Items are tiles of the pairs i <= j of rows of that input.
  constexpr auto triangle(const char* input) const { return over(GM_TRIANGLE, input, nullptr); }

  // run: void(const Request&, const Chunk&).
  template <class Function>
  constexpr auto map(Function run) const {
    return ending(detail::MapBody<Function>{run});
  }
  template <class Function>
  constexpr auto emit(Function run) const {
    return ending(detail::EmitBody<Function>{run});
  }
  // length: std::int64_t(const Request&), elements of type T of an accumulator, all zero bytes at
  // first. add: void(const Request&, const Chunk&, std::span<T>). merge: void(std::span<T> into,
  // std::span<const T> from). finish: void(const Request&, std::span<const T>, const Finish&).
  template <class T, class Length, class Add, class Merging, class Finishing>
  constexpr auto reduce(Length length, Add add, Merging merge, Finishing finish) const {
    return ending(
        detail::ReduceBody<T, Length, Add, Merging, Finishing>{length, add, merge, finish});
  }

 private:
  template <std::size_t, std::size_t, std::size_t, class>
  friend struct Definition;

  template <std::size_t kI, std::size_t kP, std::size_t kO, class B>
  constexpr auto with() const {
    Definition<kI, kP, kO, B> next{name_,  summary_,     description_,  flags_,
                                   space_, space_input_, space_columns_};
    if constexpr (kI == kInputCount) next.inputs_ = inputs_;
    if constexpr (kP == kParamCount) next.params_ = params_;
    if constexpr (kO == kOutputCount) next.outputs_ = outputs_;
    return next;
  }
  constexpr auto over(gm_index_space space, const char* input, const char* columns) const {
    auto next = *this;
    next.space_ = space;
    next.space_input_ = input;
    next.space_columns_ = columns;
    return next;
  }
  template <class B>
  constexpr auto ending(B body) const {
    auto next = with<kInputCount, kParamCount, kOutputCount, B>();
    next.body_ = body;
    return next;
  }
};

constexpr Definition<> define(const char* name, const char* summary) {
  return {name, summary, summary};
}

// A definition as a kernel for GRISTMILL_KERNELS. Requires: kDefinition is a variable of a
// namespace.
template <const auto& kDefinition>
class Defined {
  using Body = std::remove_cvref_t<decltype(kDefinition.body_)>;
  static constexpr bool kReduces = Body::kPattern == GM_REDUCE;

 public:
  static constexpr const char* kName = kDefinition.name_;
  static constexpr const char* kSummary = kDefinition.summary_;
  static constexpr const char* kDescription = kDefinition.description_;
  static constexpr std::uint32_t kFlags = kDefinition.flags_;
  static constexpr gm_pattern kPattern = Body::kPattern;
  static constexpr auto& kInputs = kDefinition.inputs_;
  static constexpr auto& kParams = kDefinition.params_;
  static constexpr auto kOutputs = [] {
    std::array<gm_output_decl,
               std::tuple_size_v<std::remove_cvref_t<decltype(kDefinition.outputs_)>>>
        all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kDefinition.outputs_[i].declaration;
    return all;
  }();

  static void plan(const Request& request, Plan& plan) {
    plan_space(request, plan);
    for (const OutputRule& rule : kDefinition.outputs_) {
      const std::span<const std::int64_t> row =
          rule.like != nullptr ? request.input(rule.like).row_shape()
                               : std::span<const std::int64_t>(rule.lengths, rule.axes);
      plan.output(rule.declaration.name,
                  rule.dtype != 0 ? rule.dtype : request.input(rule.like).dtype(), row);
    }
    if constexpr (kReduces) {
      plan.accumulator<typename Body::Element>(kDefinition.body_.length(request));
    }
  }

  explicit Defined(const Request& request) : request_(request) {}

  void run(const Chunk& chunk) const {
    if constexpr (kReduces) {
      kDefinition.body_.add(request_, chunk, chunk.accumulator<typename Body::Element>());
    } else {
      kDefinition.body_.run(request_, chunk);
    }
  }
  void merge(const Merge& merge) const requires kReduces {
    kDefinition.body_.merge(merge.into<typename Body::Element>(),
                            merge.from<typename Body::Element>());
  }
  void finish(const Finish& finish) const requires kReduces {
    kDefinition.body_.finish(request_, finish.accumulator<typename Body::Element>(), finish);
  }

 private:
  static void plan_space(const Request& request, Plan& plan) {
    constexpr const char* kInput = kDefinition.space_input_;
    if constexpr (kDefinition.space_ == GM_RANGE) {
      const auto items = request.param<std::int64_t>(kInput);
      if (items < 0) throw Invalid(std::string("parameter \"") + kInput + "\" is negative");
      plan.range(items);
    } else if constexpr (kDefinition.space_ == GM_TILES) {
      plan.tiles(request.input(kInput).rows(), request.input(kDefinition.space_columns_).rows());
    } else if constexpr (kDefinition.space_ == GM_TRIANGLE) {
      plan.triangle(request.input(kInput).rows());
    } else if constexpr (kInput != nullptr) {
      plan.rows_of(kInput);
    } else {
      static_assert(kInputs.size() > 0, "say what the items are: range(), or an input");
      plan.rows_of(kInputs[0].name);
    }
  }

  Request request_;
};

}  // namespace gristmill::kernel
