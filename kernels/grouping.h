// Sums of values by the group that their key names: the inner loops of group_stats, one copy per
// instruction set. Plain types only, because grouping_loops.h includes it.
#pragma once

#include <stdint.h>

#include <gristmill/kernel.h>

#include "kernels/column_moments.h"
#include "kernels/wide_integer.h"

namespace gristmill::kernels {

inline constexpr int64_t kMostGroups = int64_t{1} << 30;

// Whole numbers of one group, without any rounding; all zeros for none. min, max and the threshold
// of uint64 are in the order of int64: with their highest bit flipped.
struct IntegerGroup {
  int64_t count;
  int64_t above;
  int64_t min;
  int64_t max;
  SignedWide sum;
  Wide squares;
  int64_t squares_carried;  // times 2^128
};

// Floating point numbers of one group; all zeros for none. above: at the threshold or above.
struct FloatGroup {
  ColumnMoments moments;
  int64_t above;
};

// Numbers of one group in one block of rows, by their differences to the first of them.
struct alignas(64) ShiftedGroup {
  int64_t count;
  int64_t above;
  double shift;
  double sum;
  double squares;
  double min;
  double max;
  int64_t again;  // 0: no; 1: to be summed again by differences to shift; 2: and has a NaN
};

// Rows [0, count): a value and a key each, the elements so far apart. The keys are a column of the
// same table as the values, or, if key_stride is 0, numbers that read_keys has written.
struct GroupedRows {
  const void* values;
  int64_t value_stride;
  const void* keys;
  int64_t key_stride;
  int64_t count;
  int64_t groups;
};

// The loops for one instruction set. All give the same bits. Those that return a row: the first
// whose key is no group, before which they stop; or the number of rows.
struct GroupingLoops {
  // As in -march=, or "baseline".
  const char* instruction_set;
  // By dtype, null for those without.
  int64_t (*read_keys[GM_COMPLEX128 + 1])(const void* keys, int64_t count, int64_t groups,
                                          uint32_t* out);
  int64_t (*add_integers[GM_COMPLEX128 + 1])(const GroupedRows& rows, int64_t threshold,
                                             IntegerGroup* groups);
  int64_t (*add_floats[GM_COMPLEX128 + 1])(const GroupedRows& rows, double threshold,
                                           ShiftedGroup* groups);
  // Sums once more what is marked so. Requires: add_floats has seen these rows.
  void (*add_again[GM_COMPLEX128 + 1])(const GroupedRows& rows, ShiftedGroup* groups);
};

// Adds one group to another.
void merge(IntegerGroup& into, const IntegerGroup& from);
void merge(FloatGroup& into, const FloatGroup& from);

// Sum of squared deviations from the mean, from exact sums. Requires: count > 0.
double squared_deviations(const IntegerGroup& group);

// Adds rows of floating point numbers to their groups; returns what add_floats does, with nothing
// added if that is not all rows. shifted: as many as there are groups, all zeros before and after.
// Requires: values of float32 or float64.
int64_t add_float_rows(const GroupingLoops& loops, gm_dtype dtype, const GroupedRows& rows,
                       double threshold, ShiftedGroup* shifted, FloatGroup* groups);

extern const GroupingLoops kGroupingBaseline;
#ifdef __x86_64__
extern const GroupingLoops kGroupingV3;
extern const GroupingLoops kGroupingV4;
#endif

}  // namespace gristmill::kernels
