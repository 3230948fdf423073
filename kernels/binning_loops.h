// The body of binning_*.cc, compiled once per instruction set; see pairwise_loops.h for why it is
// all in an unnamed namespace and includes next to nothing.
#pragma once

#include "kernels/binning.h"

namespace gristmill::kernels {
namespace {

// Values at a time: first their bins, by vector instructions, then the adding, which has none.
constexpr int kBinBlock = 512;
// From here on the bins are beyond the second-level cache: they are fetched ahead.
constexpr int32_t kDistantBins = 1 << 21;

template <bool kNarrow>
double edge_at(const Bins& bins, double i) {
  const double wide = i * bins.step + bins.low;
  return kNarrow ? static_cast<double>(static_cast<float>(wide)) : wide;
}

// Writes the bin of each value, or a number from bins.count on, different ones in turn, for those
// in none. Returns how many those are.
//
// The quotient is off by far less than a bin. Taken a quarter of a bin lower it gives the bin or
// the one below, and the edge between them decides: the bins are those of numpy.histogram, which
// corrects its quotients by the edges, too. Where edges themselves are off by a good part of a bin
// it may also be the bin above.
template <class T, bool kNarrow, bool kTiny>
int find_bins(const Bins& all, const T* values, int count, int32_t* bin_of) {
  const Bins bins = all;
  const auto last_bin = static_cast<double>(bins.count - 1);
  int outside = 0;
#pragma omp simd reduction(+ : outside)
  for (int k = 0; k < count; ++k) {
    const auto x = static_cast<double>(values[k]);
    const bool inside = x >= bins.first && x <= bins.last;
    const double place = inside ? (x - bins.low) * bins.per_unit - (kTiny ? 0.0 : 0.25) : 0.0;
    auto bin = static_cast<double>(static_cast<int32_t>(place));
    if constexpr (kTiny) bin -= x < edge_at<kNarrow>(bins, bin) ? 1.0 : 0.0;
    bin += x >= edge_at<kNarrow>(bins, bin + 1.0) ? 1.0 : 0.0;
    bin = bin < last_bin ? bin : last_bin;
    bin_of[k] = inside ? static_cast<int32_t>(bin) : bins.count + (k & 7);
    outside += inside ? 0 : 1;
  }
  return outside;
}

// The weights of values first .. first + count - 1.
template <class W>
void read_weights(const BinWeights& weights, int64_t first, int count, double* out) {
  const W* data = static_cast<const W*>(weights.data) + first / weights.repeat;
  if (weights.repeat == 1) {
    for (int k = 0; k < count; ++k) out[k] = static_cast<double>(data[k]);
    return;
  }
  int64_t left = weights.repeat - first % weights.repeat;
  for (int k = 0; k < count; ++k) {
    out[k] = static_cast<double>(*data);
    if (--left == 0) {
      ++data;
      left = weights.repeat;
    }
  }
}

struct One {
  int64_t operator[](int) const { return 1; }
};

// Adds added[k] to the bin of value k, in order; neighbours to different copies.
template <int kCopies, class Word, class Added>
void add_block(const int32_t* bin_of, int count, const Added& added, Word* words, int64_t stride) {
  int k = 0;
  for (; k + kCopies <= count; k += kCopies) {
    for (int copy = 0; copy < kCopies; ++copy) {
      words[copy * stride + bin_of[k + copy]] += added[k + copy];
    }
  }
  for (int copy = 0; k < count; ++k, ++copy) words[copy * stride + bin_of[k]] += added[k];
}

template <class Word, class Added>
void add_to_copies(const Bins& bins, const int32_t* bin_of, int count, const Added& added,
                   Word* words) {
  const TallyLayout layout = tally_layout(bins.count);
  if (layout.copies == 4) return add_block<4>(bin_of, count, added, words, layout.stride);
  if (bins.count >= kDistantBins) {
    for (int k = 0; k < count; ++k) __builtin_prefetch(words + bin_of[k], 1);
  }
  add_block<1>(bin_of, count, added, words, 0);
}

template <class T>
const T* side_by_side(const T* values, int64_t stride, int count, T* block) {
  if (stride == 1) return values;
  for (int k = 0; k < count; ++k) block[k] = values[k * stride];
  return block;
}

template <class T, bool kNarrow, bool kTiny>
void add_values(const Bins& bins, const BinnedValues& values, const BinWeights& weights,
                void* tally) {
  const T* data = static_cast<const T*>(values.data);
  int64_t outside = 0;
  for (int64_t first = 0; first < values.count; first += kBinBlock) {
    const int64_t left = values.count - first;
    const int count = left < kBinBlock ? static_cast<int>(left) : kBinBlock;
    alignas(64) T block[kBinBlock];
    alignas(64) int32_t bin_of[kBinBlock];
    outside += find_bins<T, kNarrow, kTiny>(
        bins, side_by_side(data + first * values.stride, values.stride, count, block), count,
        bin_of);
    if (weights.data == nullptr) {
      add_to_copies(bins, bin_of, count, One{}, static_cast<int64_t*>(tally) + kTallyHeader);
    } else {
      alignas(64) double weight[kBinBlock];
      (weights.dtype == GM_FLOAT32 ? read_weights<float> : read_weights<double>)(weights, first,
                                                                                 count, weight);
      add_to_copies(bins, bin_of, count, weight, static_cast<double*>(tally) + kTallyHeader);
    }
  }
  *static_cast<int64_t*>(tally) += outside;
}

template <class T>
void add(const Bins& bins, const BinnedValues& values, const BinWeights& weights, void* tally) {
  if constexpr (__is_same(T, float)) {
    if (bins.narrow) {
      return (bins.tiny ? add_values<T, true, true> : add_values<T, true, false>)(bins, values,
                                                                                  weights, tally);
    }
  }
  (bins.tiny ? add_values<T, false, true> : add_values<T, false, false>)(bins, values, weights,
                                                                         tally);
}

constexpr BinningLoops binning(const char* instruction_set) {
  BinningLoops loops{};
  loops.instruction_set = instruction_set;
  loops.add[GM_INT8] = &add<int8_t>;
  loops.add[GM_INT16] = &add<int16_t>;
  loops.add[GM_INT32] = &add<int32_t>;
  loops.add[GM_INT64] = &add<int64_t>;
  loops.add[GM_UINT8] = &add<uint8_t>;
  loops.add[GM_UINT16] = &add<uint16_t>;
  loops.add[GM_UINT32] = &add<uint32_t>;
  loops.add[GM_UINT64] = &add<uint64_t>;
  loops.add[GM_FLOAT32] = &add<float>;
  loops.add[GM_FLOAT64] = &add<double>;
  return loops;
}

}  // namespace
}  // namespace gristmill::kernels
