// Counting values in bins of equal width: the inner loops of histogram, one copy per instruction
// set. Plain types only, because binning_loops.h includes it.
//
// Bin i holds the values x with edge(i) <= x < edge(i + 1), the last one also its upper edge.
#pragma once

#include <stdint.h>

#include <gristmill/kernel.h>

namespace gristmill::kernels {

inline constexpr int64_t kMostBins = int64_t{1} << 30;

struct Bins {
  double low;       // edge i is i * step + low, rounded after each operation
  double step;      //
  double per_unit;  // bins
  double first;     // edge 0
  double last;      // edge count, which is none of the others' formula
  int32_t count;
  bool narrow;  // edges are rounded to float32
  bool tiny;    // so narrow that an edge's rounding is a good part of a bin
};

// Errors: Invalid unless 1 <= count <= kMostBins, low < high, both are finite, and all edges, as
// numbers of the dtype if that is float32, differ.
Bins make_bins(int64_t count, double low, double high, gm_dtype dtype);

// Requires: 0 <= i <= bins.count.
double edge(const Bins& bins, int64_t i);

// What values are added to: 8-byte words, zeros at first. The first is an int64, how many values
// are in no bin. From kTallyHeader on, copies of the bins, stride words apart, whose sum is the
// result: int64, or float64 if values have weights. Few bins have several copies, because adding
// again to what was added to a moment ago has to wait for it.
struct TallyLayout {
  int64_t stride;
  int copies;
};
inline constexpr int64_t kTallyHeader = 8;
constexpr TallyLayout tally_layout(int64_t bins) {
  constexpr int64_t kWordsOutside = 8;
  constexpr int64_t kFewBins = 512;
  return {(bins + kWordsOutside + 7) / 8 * 8, bins <= kFewBins ? 4 : 1};
}
constexpr int64_t tally_words(int64_t bins) {
  return kTallyHeader + tally_layout(bins).stride * tally_layout(bins).copies;
}

// Elements `stride` apart.
struct BinnedValues {
  const void* data;
  int64_t stride;
  int64_t count;
};

// float32 or float64. Value i has weight i / repeat. No data: no weights.
struct BinWeights {
  const void* data;
  gm_dtype dtype;
  int64_t repeat;
};

// The loops for one instruction set. All give the same bits.
struct BinningLoops {
  // As in -march=, or "baseline".
  const char* instruction_set;
  // By dtype of the values, null for those without.
  void (*add[GM_COMPLEX128 + 1])(const Bins& bins, const BinnedValues& values,
                                 const BinWeights& weights, void* tally);
};

extern const BinningLoops kBinningBaseline;
#ifdef __x86_64__
extern const BinningLoops kBinningV3;
extern const BinningLoops kBinningV4;
#endif

}  // namespace gristmill::kernels
