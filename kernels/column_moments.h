// Count, mean, squared deviations, minimum and maximum of the columns of a table: the inner loops
// of describe, one copy per instruction set. Plain types only, because column_moments_loops.h
// includes it.
#pragma once

#include <stdint.h>

#include <gristmill/kernel.h>

namespace gristmill::kernels {

// Of one column; all zeros for no rows. A NaN makes all but the count and the rest NaN.
struct ColumnMoments {
  int64_t count;
  double mean;
  double mean_rest;  // what is lost when the mean is rounded: far from 0, too much to merge by
  double squares;    // sum of squared deviations from the mean
  double min;
  double max;
};

// The loops for one instruction set. All give the same bits.
struct ColumnMomentsLoops {
  // As in -march=, or "baseline".
  const char* instruction_set;
  // By dtype, null for those without: adds rows of row-major data, as wide as there are columns.
  void (*add[GM_COMPLEX128 + 1])(const void* data, int64_t rows, int64_t columns,
                                 ColumnMoments* moments);
};

// A rounded sum and what it was rounded by, 0 if it is not finite (Knuth, "The Art of Computer
// Programming", volume 2, 4.2.2).
struct ExactSum {
  double sum;
  double rest;
};
ExactSum exact_sum(double a, double b);

// Adds the moments of one column to another (Chan, Golub, LeVeque 1983).
void merge(ColumnMoments& into, const ColumnMoments& from);

// Square root of the squared deviations over count - ddof, NaN unless that is above 0.
double standard_deviation(double squares, int64_t count, int64_t ddof);

extern const ColumnMomentsLoops kColumnMomentsBaseline;
#ifdef __x86_64__
extern const ColumnMomentsLoops kColumnMomentsV3;
extern const ColumnMomentsLoops kColumnMomentsV4;
#endif

}  // namespace gristmill::kernels
