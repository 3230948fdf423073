// Which elements a bootstrap sample draws, and their sum: the inner loops of bootstrap, one copy
// per instruction set. Plain types only, because bootstrap_loops.h includes it.
#pragma once

#include <stdint.h>

#include <gristmill/kernel.h>

namespace gristmill::kernels {

// Draws are made so many at a time; the last ones of a sample may be left unused.
inline constexpr int kDrawsAtOnce = 1024;

struct Sample {
  uint64_t seed;
  uint64_t number;
  uint32_t elements;  // that there are to draw from, and as many draws; not 0
};

// Of whole numbers, or of floating point numbers.
struct DrawnSum {
  int64_t whole;
  double real;
};

// The loops for one instruction set. All give the same bits.
struct BootstrapLoops {
  // As in -march=, or "baseline".
  const char* instruction_set;

  // The indices of kDrawsAtOnce draws from first on, a multiple of kDrawsAtOnce.
  void (*splitmix64)(const Sample& sample, uint64_t first, uint32_t* indices);
  void (*philox)(const Sample& sample, uint64_t first, uint32_t* indices);

  // By dtype, null for those without: adds the elements of these indices, which lie `stride`
  // elements apart. Whole numbers must be within int64. The order of floating point additions
  // depends on nothing but the count.
  void (*add[GM_COMPLEX128 + 1])(const void* elements, int64_t stride, const uint32_t* indices,
                                 int count, DrawnSum& sum);
};

// The index of a draw of philox whose own word would have made some indices likelier than others.
uint32_t redrawn(const Sample& sample, uint64_t draw);

extern const BootstrapLoops kBootstrapBaseline;
#ifdef __x86_64__
extern const BootstrapLoops kBootstrapV3;
extern const BootstrapLoops kBootstrapV4;
#endif

}  // namespace gristmill::kernels
