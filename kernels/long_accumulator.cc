#include "kernels/long_accumulator.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/wide_integer.h"

namespace gristmill::kernels {
namespace {

constexpr int kWordBits = 32;
constexpr int kLowestExponent = -1074;

}  // namespace

void LongAccumulator::add(std::span<const double> numbers) {
  for (const double number : numbers) {
    const auto bits = std::bit_cast<std::uint64_t>(number);
    const auto exponent = static_cast<unsigned>(bits >> 52);
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
    // Numbers without the implicit bit have the exponent of the smallest ones with it.
    const std::uint64_t mantissa = exponent == 0 ? fraction : fraction | std::uint64_t{1} << 52;
    const unsigned shift = exponent == 0 ? 0 : exponent - 1;
    const Wide shifted = Wide{mantissa} << shift % kWordBits;
    std::uint64_t* word = words_ + shift / kWordBits;
    word[0] += static_cast<std::uint32_t>(shifted);
    word[1] += static_cast<std::uint32_t>(shifted >> kWordBits);
    word[2] += static_cast<std::uint32_t>(shifted >> 2 * kWordBits);
  }
  carry();
}

void LongAccumulator::add(const LongAccumulator& other) {
  for (int w = 0; w < kWords; ++w) words_[w] += other.words_[w];
  carry();
}

void LongAccumulator::carry() {
  for (int w = 0; w + 1 < kWords; ++w) {
    words_[w + 1] += words_[w] >> kWordBits;
    words_[w] = static_cast<std::uint32_t>(words_[w]);
  }
}

double LongAccumulator::value() const {
  int top = kWords - 1;
  while (top >= 3 && words_[top] == 0) --top;
  if (top < 3) top = 3;
  // Four words have at least the 53 bits and one more, unless there are no further ones.
  Wide digits = 0;
  for (int w = top; w > top - 4; --w) digits = digits << kWordBits | words_[w];
  const bool rest = std::any_of(words_, words_ + (top - 3), [](auto word) { return word != 0; });
  if (rest) digits |= 1;
  return std::ldexp(static_cast<double>(digits), kWordBits * (top - 3) + kLowestExponent);
}

}  // namespace gristmill::kernels
