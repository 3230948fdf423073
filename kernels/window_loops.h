// The body of window_*.cc, compiled once per instruction set; see pairwise_loops.h for why it is
// all in an unnamed namespace and includes next to nothing.
#pragma once

#include "kernels/window_statistics.h"

namespace gristmill::kernels {
namespace {

#define GRISTMILL_INLINE inline __attribute__((always_inline))

template <class T>
bool load(const void* from, int64_t count, double* to) {
  const T* numbers = static_cast<const T*>(from);
  int64_t nan = 0;
#pragma omp simd reduction(| : nan)
  for (int64_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(numbers[i]) + 0.0;
    nan |= x != x;
    to[i] = x;
  }
  return nan != 0;
}

// Each element is read before any that comes later is written, so the result may be a.
void add(const double* a, const double* b, int64_t count, double* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

void smaller(const double* a, const double* b, int64_t count, double* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] < b[i] ? a[i] : b[i];
}

void larger(const double* a, const double* b, int64_t count, double* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] > b[i] ? a[i] : b[i];
}

// The upper 26 bits of a significand, whose products with small whole numbers are exact.
GRISTMILL_INLINE double upper_bits(double x) {
  constexpr uint64_t kLower = (uint64_t{1} << 27) - 1;
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, x) & ~kLower);
}

// kSplit: times is not 1. kPlainA, kPlainB: sets of one number.
template <bool kSplit, bool kPlainA, bool kPlainB>
void merge_as(const MomentsMerge& merge, int64_t count, Moments out) {
  const Moments a = merge.a;
  const Moments b = merge.b;
  const auto times = static_cast<double>(merge.times);
  const double scale = merge.scale;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const double a_sum = a.sum[i];
    const double b_sum = b.sum[i];
    const double sum = a_sum + b_sum;
    const double added = sum - a_sum;
    double rest = (a_sum - (sum - added)) + (b_sum - added);
    double difference = a_sum - b_sum;
    if constexpr (kSplit) {
      const double upper = upper_bits(b_sum);
      difference = (a_sum - times * upper) - times * (b_sum - upper);
    }
    double squares = 0;
    if constexpr (!kPlainA && !kPlainB) {
      difference += kSplit ? a.rest[i] - times * b.rest[i] : a.rest[i] - b.rest[i];
      rest += a.rest[i] + b.rest[i];
      squares = a.squares[i] + b.squares[i];
    } else if constexpr (!kPlainA) {
      difference += a.rest[i];
      rest += a.rest[i];
      squares = a.squares[i];
    }
    out.sum[i] = sum;
    out.rest[i] = rest;
    out.squares[i] = squares + difference * difference * scale;
  }
}

void merge(const MomentsMerge& merge, int64_t count, Moments out) {
  const bool plain_a = merge.a.rest == nullptr;
  const bool plain_b = merge.b.rest == nullptr;
  if (merge.times == 1) {
    (plain_a ? merge_as<false, true, true> : merge_as<false, false, false>)(merge, count, out);
  } else {
    (plain_b ? merge_as<true, false, true> : merge_as<true, false, false>)(merge, count, out);
  }
}

// A NaN has the sign that the compiler happened to give it.
GRISTMILL_INLINE double with_one_nan(double x) { return x != x ? __builtin_nan("") : x; }

void mean(const double* sum, double elements, int64_t count, double* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = with_one_nan(sum[i] / elements);
}

void deviation(const double* squares, double elements, int64_t count, double* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    out[i] = with_one_nan(__builtin_sqrt(squares[i] / elements));
  }
}

constexpr int kLanes = 16;

GRISTMILL_INLINE void sort_two(double* a, double* b) {
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) {
    const double x = a[lane];
    const double y = b[lane];
    a[lane] = x < y ? x : y;
    b[lane] = x > y ? x : y;
  }
}

// Brings the smallest of `count` candidates to the first place and the largest to the last.
GRISTMILL_INLINE void part_ends(double (*candidates)[kLanes], int count) {
  const int half = count / 2;
  for (int i = 0; i < half; ++i) sort_two(candidates[i], candidates[count - 1 - i]);
  for (int i = 1; i < count - half; ++i) sort_two(candidates[0], candidates[i]);
  for (int i = half; i < count - 1; ++i) sort_two(candidates[i], candidates[count - 1]);
}

// Of half of the numbers and two more the smallest and the largest cannot be the median: both are
// dropped, one more number is taken, and so on.
template <int kSize>
GRISTMILL_INLINE void select_lanes(const double* from, const int64_t* offsets, int any_size,
                                   double* out) {
  const int size = kSize == 0 ? any_size : kSize;
  constexpr int kMost = (kSize == 0 ? kMostSelected : kSize) / 2 + 2;
  alignas(64) double candidates[kMost][kLanes];
  int taken = 0;
  const auto take = [&](double* into) {
    const double* numbers = from + offsets[taken++];
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane) into[lane] = numbers[lane];
  };
  int count = size / 2 + 2 < size ? size / 2 + 2 : size;
  for (int i = 0; i < count; ++i) take(candidates[i]);
  while (count > 1) {
    part_ends(candidates, count);
    count -= 2;
    if (taken < size) {
      take(candidates[0]);
      ++count;
    } else {
      for (int i = 0; i < count; ++i)
        __builtin_memcpy(candidates[i], candidates[i + 1], sizeof candidates[0]);
    }
  }
  __builtin_memcpy(out, candidates[0], sizeof candidates[0]);
}

template <int kSize>
void select(const double* from, const int64_t* offsets, int size, int64_t count, double* out) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) select_lanes<kSize>(from + i, offsets, size, out + i);
  if (i == count) return;
  // The last ones one by one into lanes, because nothing may be read behind the numbers.
  alignas(64) double numbers[kMostSelected * kLanes] = {};
  int64_t places[kMostSelected];
  for (int k = 0; k < size; ++k) {
    places[k] = int64_t{k} * kLanes;
    for (int64_t lane = 0; i + lane < count; ++lane) {
      numbers[places[k] + lane] = from[i + lane + offsets[k]];
    }
  }
  double last[kLanes];
  select_lanes<kSize>(numbers, places, size, last);
  for (int64_t lane = 0; i + lane < count; ++lane) out[i + lane] = last[lane];
}

void median(const double* from, const int64_t* offsets, int size, int64_t count, double* out) {
  switch (size) {
    case 3:
      return select<3>(from, offsets, size, count, out);
    case 5:
      return select<5>(from, offsets, size, count, out);
    case 9:
      return select<9>(from, offsets, size, count, out);
    case 25:
      return select<25>(from, offsets, size, count, out);
    case 27:
      return select<27>(from, offsets, size, count, out);
    default:
      return select<0>(from, offsets, size, count, out);
  }
}

// The ranks in a window as bits, and the word that the median is in, known by how many ranks lie in
// the words before it.
struct RankSet {
  uint64_t* bits;
  int64_t word;
  int64_t before;

  GRISTMILL_INLINE void flip(uint32_t rank, int64_t difference) {
    const int64_t at = rank >> 6;
    bits[at] ^= uint64_t{1} << (rank & 63);
    before += at < word ? difference : 0;
  }

  // Requires: more than `smaller` ranks.
  GRISTMILL_INLINE int64_t at(int64_t smaller) {
    while (before > smaller) before -= __builtin_popcountll(bits[--word]);
    int64_t in_word = __builtin_popcountll(bits[word]);
    while (before + in_word <= smaller) {
      before += in_word;
      in_word = __builtin_popcountll(bits[++word]);
    }
    uint64_t left = bits[word];
    for (int64_t i = before; i < smaller; ++i) left &= left - 1;
    return word * 64 + __builtin_ctzll(left);
  }
};

GRISTMILL_INLINE void flip_column(const RankedWindow& window, int64_t column, int64_t difference,
                                  RankSet& set) {
  for (int64_t k = 0; k < window.column_length; ++k) {
    set.flip(window.ranks[window.column[k] + column], difference);
  }
}

void sliding_median(const RankedWindow& window, int64_t count, double* out) {
  RankSet set{window.bits, 0, 0};
  for (int64_t column = 0; column < window.columns; ++column) flip_column(window, column, 1, set);
  const int64_t smaller = window.column_length * window.columns / 2;
  for (int64_t i = 0; i < count; ++i) {
    out[i] = window.sorted[set.at(smaller)];
    flip_column(window, i, -1, set);
    if (i + 1 < count) flip_column(window, i + window.columns, 1, set);
  }
  for (int64_t k = 0; k < window.columns - 1; ++k) flip_column(window, count + k, -1, set);
}

constexpr WindowLoops window(const char* instruction_set) {
  WindowLoops loops{};
  loops.instruction_set = instruction_set;
  loops.load[GM_INT8] = &load<int8_t>;
  loops.load[GM_INT16] = &load<int16_t>;
  loops.load[GM_INT32] = &load<int32_t>;
  loops.load[GM_INT64] = &load<int64_t>;
  loops.load[GM_UINT8] = &load<uint8_t>;
  loops.load[GM_UINT16] = &load<uint16_t>;
  loops.load[GM_UINT32] = &load<uint32_t>;
  loops.load[GM_UINT64] = &load<uint64_t>;
  loops.load[GM_FLOAT32] = &load<float>;
  loops.load[GM_FLOAT64] = &load<double>;
  loops.add = &add;
  loops.smaller = &smaller;
  loops.larger = &larger;
  loops.merge = &merge;
  loops.mean = &mean;
  loops.deviation = &deviation;
  loops.median = &median;
  loops.sliding_median = &sliding_median;
  return loops;
}

#undef GRISTMILL_INLINE

}  // namespace
}  // namespace gristmill::kernels
