#pragma once

#include <cstdint>
#include <span>

namespace gristmill::kernels {

// A sum of float64 numbers without any rounding: as many bits as there are from the smallest number
// to far above the largest, after Kulisch, "Computer Arithmetic and Validity", 2008. Any order of
// adding gives the same bits. Plain data; all zeros is the sum of nothing.
class LongAccumulator {
 public:
  // Requires: all are finite and not negative; at most 2^31 of them.
  void add(std::span<const double> numbers);
  void add(const LongAccumulator& other);

  // The sum, rounded to nearest, ties to even.
  double value() const;

 private:
  void carry();

  // Word w counts 2^(32 w - 1074). Between calls all are below 2^32 but for the last.
  static constexpr int kWords = 68;
  std::uint64_t words_[kWords];
};

}  // namespace gristmill::kernels
