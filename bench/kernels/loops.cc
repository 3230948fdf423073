#include "bench/kernels/loops.h"

namespace gristmill::bench {

void do_nothing() {}

void work(std::int64_t iterations) {
  std::uint64_t value = 1;
  for (std::int64_t i = 0; i < iterations; ++i) {
    value *= 6364136223846793005u;
    // The compiler may neither know the value nor drop the loop.
    asm volatile("" : "+r"(value));
  }
}

#ifdef __x86_64__
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
double
sum(const double* values, std::int64_t count) {
  // Many sums, as one would be a chain of additions.
  constexpr int kSums = 64;
  double sums[kSums] = {};
  for (std::int64_t i = 0; i < count; i += kSums) {
    for (int k = 0; k < kSums; ++k) sums[k] += values[i + k];
  }
  double all = 0;
  for (const double one : sums) all += one;
  return all;
}

void stream(const double* from, double* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = 2 * from[i] + 1;
}

}  // namespace gristmill::bench
