#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// Elements at a distance of each other: a column of rows.
struct Column {
  const void* data;  // of the first row
  gm_dtype dtype;
  std::int64_t stride;  // elements from row to row
};

// A condition on numbers: comparisons that must all hold.
class Condition {
 public:
  // "< 5", ">= 15 and < 60", "!= 0", "is nan", "is not nan". Errors: Invalid, with what is known.
  static Condition parse(std::string_view text);

  // Writes the numbers of the rows that fulfil it, counted from begin, and returns how many there
  // are. Numbers are compared by their exact values; a NaN fulfils "!=" and "is nan" alone.
  // Requires: at most 2^32 rows, chosen holds as many. Errors: Invalid for a dtype that is no
  // number.
  std::int64_t choose(const Column& column, std::int64_t begin, std::int64_t end,
                      std::uint32_t* chosen) const;

 private:
  enum class Operator { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual, kNotEqual };

  enum class Kind {
    kItself,  // NaN or not: op is kNotEqual or kEqual
    kInteger,
    kLargeInteger,  // none of int64: the number is that of `real`, exact below 2^64
    kReal
  };

  struct Comparison {
    Operator op;
    Kind kind;
    std::int64_t integer;
    long double real;
  };

  static Comparison parse_comparison(std::string_view text);

  template <class T, class Number>
  static std::int64_t choose_by(const Comparison& comparison, const T* values, std::int64_t stride,
                                Number number, std::span<std::uint32_t> candidates, bool first);
  template <class T>
  static std::int64_t choose_among(const Comparison& comparison, const T* values,
                                   std::int64_t stride, std::span<std::uint32_t> candidates,
                                   bool first);

  std::vector<Comparison> comparisons_;
};

}  // namespace gristmill::kernels
