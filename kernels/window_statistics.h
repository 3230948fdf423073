// Statistics of neighbourhoods, built up from those of their parts: the inner loops of window, one
// copy per instruction set. Plain types only, because window_loops.h includes it.
#pragma once

#include <stdint.h>

#include <gristmill/kernel.h>

namespace gristmill::kernels {

// Sum and squared deviations from the mean of many sets of numbers, a set per element of the
// arrays. The sum is kept to twice the precision: rest is what was lost of it when it was rounded.
// Without it, squared deviations from a mean that is large against them would lose as many digits.
struct Moments {
  double* sum;
  double* rest;  // null: sets of one number, which have none, nor squares
  double* squares;
};

// Sets of a and b that are merged to one (Chan, Golub, LeVeque, "Algorithms for computing the
// sample variance", The American Statistician 37, 1983): those of a have `times` as many elements.
// squares += (sum of a - times * sum of b)^2 * scale.
struct MomentsMerge {
  Moments a;
  Moments b;
  int64_t times;  // below 2^25
  double scale;
};

// Numbers whose median is looked for, by their place in a sorted array: each has another one.
struct RankedWindow {
  const uint32_t* ranks;  // of the places that the first window covers and all behind
  const int64_t* column;  // places of the first column of the window
  int64_t column_length;
  int64_t columns;  // that lie side by side
  const double* sorted;
  uint64_t* bits;  // a bit for each rank, all zeros, and so they are left
};

// The loops for one instruction set. All give the same bits. Arrays do not overlap, but for those
// that a loop says it may be given.
struct WindowLoops {
  // As in -march=, or "baseline".
  const char* instruction_set;

  // By dtype, null for those without: numbers as float64, and 0 for -0. True if there is a NaN.
  bool (*load[GM_COMPLEX128 + 1])(const void* from, int64_t count, double* to);

  // Of elements 0 .. count - 1. The result may be a itself, and b what lies behind in it.
  void (*add)(const double* a, const double* b, int64_t count, double* out);
  void (*smaller)(const double* a, const double* b, int64_t count, double* out);
  void (*larger)(const double* a, const double* b, int64_t count, double* out);
  void (*merge)(const MomentsMerge& merge, int64_t count, Moments out);

  // sum / elements, and sqrt(squares / elements).
  void (*mean)(const double* sum, double elements, int64_t count, double* out);
  void (*deviation)(const double* squares, double elements, int64_t count, double* out);

  // The median of from[i + offsets[k]], k = 0 .. size - 1, by selection. No NaN; size is odd and at
  // most kMostSelected.
  void (*median)(const double* from, const int64_t* offsets, int size, int64_t count, double* out);
  // The medians of a window that moves by one column at a time.
  void (*sliding_median)(const RankedWindow& window, int64_t count, double* out);
};

inline constexpr int kMostSelected = 63;

extern const WindowLoops kWindowBaseline;
#ifdef __x86_64__
extern const WindowLoops kWindowV3;
extern const WindowLoops kWindowV4;
#endif

}  // namespace gristmill::kernels
