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

void stream(const double* from, double* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = 2 * from[i] + 1;
}

}  // namespace gristmill::bench
