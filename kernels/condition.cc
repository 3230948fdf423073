#include "kernels/condition.h"

#include <charconv>
#include <string>
#include <type_traits>

namespace gristmill::kernels {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void throw_unreadable(std::string_view text) {
  throw kernel::Invalid(
      "could not read the condition \"" + std::string(text) + "\"",
      "Write \">= 15\", \"> 0 and <= 60\", \"== 3\", \"!= 0\", \"is nan\" or \"is "
      "not nan\".");
}

template <class T>
bool read_number(std::string_view text, T& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

// All rows, or those that are left, for which holds(value) is true. Without a branch: what fulfils
// a condition cannot be predicted.
template <class T, class Holds>
std::int64_t filter(const T* values, std::int64_t stride, std::span<std::uint32_t> candidates,
                    bool first, const Holds& holds) {
  std::int64_t count = 0;
  if (first) {
    for (std::size_t row = 0; row < candidates.size(); ++row) {
      candidates[static_cast<std::size_t>(count)] = static_cast<std::uint32_t>(row);
      count += holds(values[static_cast<std::int64_t>(row) * stride]) ? 1 : 0;
    }
  } else {
    for (const std::uint32_t row : candidates) {
      candidates[static_cast<std::size_t>(count)] = row;
      count += holds(values[std::int64_t{row} * stride]) ? 1 : 0;
    }
  }
  return count;
}

// The type in which a T and a number are compared by their exact values. long double has the 64
// bits of every whole number.
template <class T, class Number>
using Common =
    std::conditional_t<std::is_same_v<T, Number>, T,
                       std::conditional_t<(std::is_floating_point_v<T> || sizeof(T) <= 4) &&
                                              std::is_same_v<Number, double>,
                                          double, long double>>;

bool is_whole(std::string_view text) {
  return text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == text.npos;
}

}  // namespace

Condition Condition::parse(std::string_view text) {
  Condition condition;
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find(" and ");
    condition.comparisons_.push_back(parse_comparison(trimmed(rest.substr(0, end))));
    if (end == std::string_view::npos) return condition;
    rest.remove_prefix(end + 5);
  }
}

Condition::Comparison Condition::parse_comparison(std::string_view text) {
  if (text == "is nan") return {Operator::kNotEqual, Kind::kItself, 0, 0};
  if (text == "is not nan") return {Operator::kEqual, Kind::kItself, 0, 0};
  constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"<=", Operator::kLessEqual}, {">=", Operator::kGreaterEqual}, {"==", Operator::kEqual},
      {"!=", Operator::kNotEqual},  {"<", Operator::kLess},          {">", Operator::kGreater}};
  for (const auto& [sign, op] : kOperators) {
    if (!text.starts_with(sign)) continue;
    const std::string_view number = trimmed(text.substr(sign.size()));
    Comparison comparison{op, Kind::kInteger, 0, 0};
    if (read_number(number, comparison.integer)) return comparison;
    comparison.kind = Kind::kLargeInteger;
    if (is_whole(number) && read_number(number, comparison.real)) return comparison;
    comparison.kind = Kind::kReal;
    double real = 0;
    const bool readable = read_number(number, real);
    comparison.real = real;
    if (readable) return comparison;
  }
  throw_unreadable(text);
}

template <class T, class Number>
std::int64_t Condition::choose_by(const Comparison& comparison, const T* values,
                                  std::int64_t stride, Number number,
                                  std::span<std::uint32_t> candidates, bool first) {
  using C = Common<T, Number>;
  const auto limit = static_cast<C>(number);
  const auto among = [&](const auto& holds) {
    return filter(values, stride, candidates, first,
                  [&](T value) { return holds(static_cast<C>(value)); });
  };
  switch (comparison.op) {
    case Operator::kLess:
      return among([=](C value) { return value < limit; });
    case Operator::kLessEqual:
      return among([=](C value) { return value <= limit; });
    case Operator::kGreater:
      return among([=](C value) { return value > limit; });
    case Operator::kGreaterEqual:
      return among([=](C value) { return value >= limit; });
    case Operator::kEqual:
      return among([=](C value) { return value == limit; });
    case Operator::kNotEqual:
      return among([=](C value) { return value != limit; });
  }
  return 0;
}

template <class T>
std::int64_t Condition::choose_among(const Comparison& comparison, const T* values,
                                     std::int64_t stride, std::span<std::uint32_t> candidates,
                                     bool first) {
  if (comparison.kind == Kind::kItself) {
    const bool wanted = comparison.op == Operator::kNotEqual;
    return filter(values, stride, candidates, first,
                  [=](T value) { return (value != value) == wanted; });
  }
  if (comparison.kind == Kind::kReal) {
    return choose_by(comparison, values, stride, static_cast<double>(comparison.real), candidates,
                     first);
  }
  if (comparison.kind == Kind::kLargeInteger) {
    return choose_by(comparison, values, stride, comparison.real, candidates, first);
  }
  // A whole number that the type has is compared as such; most that are written are small.
  constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;
  const std::int64_t integer = comparison.integer;
  if constexpr (std::is_integral_v<T>) {
    if (static_cast<std::int64_t>(static_cast<T>(integer)) == integer &&
        (std::is_signed_v<T> || integer >= 0)) {
      return choose_by(comparison, values, stride, static_cast<T>(integer), candidates, first);
    }
  } else if (-kExactInDouble <= integer && integer <= kExactInDouble) {
    return choose_by(comparison, values, stride, static_cast<double>(integer), candidates, first);
  }
  return choose_by(comparison, values, stride, static_cast<long double>(integer), candidates,
                   first);
}

std::int64_t Condition::choose(const Column& column, std::int64_t begin, std::int64_t end,
                               std::uint32_t* chosen) const {
  return kernel::dispatch(column.dtype, [&]<class T>(T) {
    const T* values = static_cast<const T*>(column.data) + begin * column.stride;
    std::int64_t count = end - begin;
    bool first = true;
    for (const Comparison& comparison : comparisons_) {
      count = choose_among(comparison, values, column.stride,
                           {chosen, static_cast<std::size_t>(count)}, first);
      first = false;
    }
    return count;
  });
}

}  // namespace gristmill::kernels
