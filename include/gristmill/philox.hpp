// Random numbers for kernels, by counter: Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011.
//
//   gristmill::kernel::Philox random(seed, item);
//   const double x = random.normal();
//
// Each item has a stream of its own, of 2^66 words, so what it draws does not depend on the chunk
// it is in, on other items or on the worker. The layout, for those who want the same numbers
// elsewhere (words are 32 bits, the lower half of 64 first):
//
//   key      seed low, seed high
//   counter  block low, block high, item low, item high
//
// where block is 0, 1, 2, ...; the four words of a block are drawn in order. Nothing here depends
// on the compiler, its library or the instruction set: only whole numbers and correctly rounded
// operations, and no product that could be fused with a sum. (-ffast-math breaks that promise.)
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace gristmill::kernel {

// A UniformRandomBitGenerator. Cost: a few nanoseconds per word; making one is nearly free, so make
// one per item. To copy it is to go on from the same place twice.
class Philox {
 public:
  using result_type = std::uint32_t;
  using Counter = std::array<std::uint32_t, 4>;
  using Key = std::array<std::uint32_t, 2>;

  Philox(std::uint64_t seed, std::uint64_t item) : seed_(seed), item_(item) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  // The next word.
  result_type operator()() {
    if (drawn_ == words_.size()) {
      words_ =
          block({low(block_), high(block_), low(item_), high(item_)}, {low(seed_), high(seed_)});
      ++block_;
      drawn_ = 0;
    }
    return words_[drawn_++];
  }
  // The next two words, the lower half first.
  std::uint64_t bits64() {
    const std::uint64_t lower = (*this)();
    return lower | std::uint64_t{(*this)()} << 32;
  }
  // Goes on behind the next `words` words. Cost: that of a block.
  void discard(std::uint64_t words);

  // Uniform in [0, 1), a multiple of 2^-53. Two words.
  double uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

  // Uniform in 0 .. bound - 1, without bias: multiply and reject (Lemire, "Fast random integer
  // generation in an interval", ACM TOMACS 29, 2019). One word, two for a bound from 2^32 on,
  // seldom more. Requires: bound > 0.
  std::uint64_t below(std::uint64_t bound);

  // Of the standard normal distribution, by inversion: inverse_normal of bits64 | 1, so always
  // within 9.1 of 0. Two words.
  double normal() { return inverse_normal(static_cast<std::int64_t>(bits64() | 1)); }

  // The function that all comes from.
  static constexpr Counter block(Counter counter, Key key) {
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t first = std::uint64_t{0xD2511F53} * counter[0];
      const std::uint64_t second = std::uint64_t{0xCD9E8D57} * counter[2];
      counter = {high(second) ^ counter[1] ^ key[0], low(second), high(first) ^ counter[3] ^ key[1],
                 low(first)};
      key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
    }
    return counter;
  }

  // The number below which odd / 2^64 + 1/2 of the standard normal distribution lies, to a relative
  // 1e-15 (Wichura, algorithm AS 241, Applied Statistics 37, 1988). Requires: an odd number.
  static double inverse_normal(std::int64_t odd);

 private:
  static constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  static constexpr std::uint32_t high(std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32);
  }

  // Highest power first. Requires: at least one coefficient.
  template <std::size_t kCount>
  static double polynomial(const double (&coefficients)[kCount], double x) {
    double value = coefficients[0];
    for (std::size_t i = 1; i < kCount; ++i) value = std::fma(value, x, coefficients[i]);
    return value;
  }
  static double minus_log(double x);

  std::uint64_t seed_;
  std::uint64_t item_;
  std::uint64_t block_ = 0;  // the next
  Counter words_{};
  std::size_t drawn_ = 4;
};

inline void Philox::discard(std::uint64_t words) {
  const std::uint64_t left = words_.size() - drawn_;
  if (words < left) {
    drawn_ += static_cast<std::size_t>(words);
    return;
  }
  block_ += (words - left) / 4;
  drawn_ = words_.size();
  for (std::uint64_t i = 0; i < (words - left) % 4; ++i) (*this)();
}

inline std::uint64_t Philox::below(std::uint64_t bound) {
  if (high(bound) == 0) {
    std::uint64_t product = std::uint64_t{(*this)()} * bound;
    if (low(product) < bound) {
      const std::uint64_t biased = (std::uint64_t{1} << 32) % bound;
      while (low(product) < biased) product = std::uint64_t{(*this)()} * bound;
    }
    return high(product);
  }
  __extension__ typedef unsigned __int128 Wide;
  Wide product = Wide{bits64()} * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t biased = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < biased) product = Wide{bits64()} * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

// As fdlibm's __ieee754_log: with x = 2^e m and s = (m - 1) / (m + 1), log(m) is 2 s and an odd
// polynomial. Requires: a normal number.
inline double Philox::minus_log(double x) {
  constexpr std::uint64_t kHalfRoot = 0x3FE6A09E667F3BCD;  // sqrt(1/2)
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
  const std::uint64_t above = std::bit_cast<std::uint64_t>(x) - kHalfRoot;
  const auto exponent = static_cast<double>(static_cast<std::int64_t>(above) >> 52);
  const auto m = std::bit_cast<double>((above & kMantissa) + kHalfRoot);
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  constexpr double kOdd[] = {1.479819860511658591e-01, 1.531383769920937332e-01,
                             1.818357216161805012e-01, 2.222219843214978396e-01,
                             2.857142874366239149e-01, 3.999999999940941908e-01,
                             6.666666666666735130e-01, 0};
  const double log_m = std::fma(polynomial(kOdd, z), s, 2 * s);
  return std::fma(-exponent, 6.931471805599453094e-01, -log_m);
}

inline double Philox::inverse_normal(std::int64_t odd) {
  const double q = static_cast<double>(odd) * 0x1p-64;
  if (std::abs(q) <= 0.425) {
    constexpr double kAbove[] = {2.5090809287301226727e+3, 3.3430575583588128105e+4,
                                 6.7265770927008700853e+4, 4.5921953931549871457e+4,
                                 1.3731693765509461125e+4, 1.9715909503065514427e+3,
                                 1.3314166789178437745e+2, 3.3871328727963666080e+0};
    constexpr double kBelow[] = {5.2264952788528545610e+3, 2.8729085735721942674e+4,
                                 3.9307895800092710610e+4, 2.1213794301586595867e+4,
                                 5.3941960214247511077e+3, 6.8718700749205790830e+2,
                                 4.2313330701600911252e+1, 1};
    const double r = std::fma(-q, q, 0.180625);
    return q * (polynomial(kAbove, r) / polynomial(kBelow, r));
  }
  // Exact before it is rounded, however small.
  const std::uint64_t tail =
      (std::uint64_t{1} << 63) - static_cast<std::uint64_t>(odd < 0 ? -odd : odd);
  const double r = std::sqrt(minus_log(static_cast<double>(tail) * 0x1p-64));
  double x = 0;
  if (r <= 5) {
    constexpr double kAbove[] = {7.74545014278341407640e-4, 2.27238449892691845833e-2,
                                 2.41780725177450611770e-1, 1.27045825245236838258e+0,
                                 3.64784832476320460504e+0, 5.76949722146069140550e+0,
                                 4.63033784615654529590e+0, 1.42343711074968357734e+0};
    constexpr double kBelow[] = {1.05075007164441684324e-9, 5.47593808499534494600e-4,
                                 1.51986665636164571966e-2, 1.48103976427480074590e-1,
                                 6.89767334985100004550e-1, 1.67638483018380384940e+0,
                                 2.05319162663775882187e+0, 1};
    x = polynomial(kAbove, r - 1.6) / polynomial(kBelow, r - 1.6);
  } else {
    constexpr double kAbove[] = {2.01033439929228813265e-7, 2.71155556874348757815e-5,
                                 1.24266094738807843860e-3, 2.65321895265761230930e-2,
                                 2.96560571828504891230e-1, 1.78482653991729133580e+0,
                                 5.46378491116411436990e+0, 6.65790464350110377720e+0};
    constexpr double kBelow[] = {2.04426310338993978564e-15, 1.42151175831644588870e-7,
                                 1.84631831751005468180e-5,  7.86869131145613259100e-4,
                                 1.48753612908506148525e-2,  1.36929880922735805310e-1,
                                 5.99832206555887937690e-1,  1};
    x = polynomial(kAbove, r - 5) / polynomial(kBelow, r - 5);
  }
  return odd < 0 ? -x : x;
}

}  // namespace gristmill::kernel
