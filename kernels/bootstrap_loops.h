// The body of bootstrap_*.cc, compiled once per instruction set; see pairwise_loops.h for why it is
// all in an unnamed namespace and includes next to nothing. (Of immintrin.h nothing is left
// behind.)
#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "kernels/bootstrap_draws.h"

namespace gristmill::kernels {
namespace {

#define GRISTMILL_INLINE inline __attribute__((always_inline))

// As many 64-bit lanes as a register has. In plain loops GCC multiplies 32-bit numbers to 64-bit
// products three times slower.
#if defined(__AVX512F__)
using Lanes = uint64_t __attribute__((vector_size(64)));
GRISTMILL_INLINE Lanes product(Lanes a, Lanes b) {
  // Not _mm512_mul_epu32: of its unused operand GCC warns (bug 105593).
  return reinterpret_cast<Lanes>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}
GRISTMILL_INLINE bool any(Lanes a) {
  const auto bits = reinterpret_cast<__m512i>(a);
  return _mm512_test_epi64_mask(bits, bits) != 0;
}
GRISTMILL_INLINE Lanes lower_interleaved(Lanes a, Lanes b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
GRISTMILL_INLINE Lanes upper_interleaved(Lanes a, Lanes b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#elif defined(__AVX2__)
using Lanes = uint64_t __attribute__((vector_size(32)));
GRISTMILL_INLINE Lanes product(Lanes a, Lanes b) {
  return reinterpret_cast<Lanes>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}
GRISTMILL_INLINE bool any(Lanes a) {
  const auto bits = reinterpret_cast<__m256i>(a);
  return _mm256_testz_si256(bits, bits) == 0;
}
GRISTMILL_INLINE Lanes lower_interleaved(Lanes a, Lanes b) {
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
GRISTMILL_INLINE Lanes upper_interleaved(Lanes a, Lanes b) {
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
#else
using Lanes = uint64_t __attribute__((vector_size(16)));
GRISTMILL_INLINE Lanes product(Lanes a, Lanes b) {
#ifdef __SSE2__
  return reinterpret_cast<Lanes>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}
GRISTMILL_INLINE bool any(Lanes a) { return (a[0] | a[1]) != 0; }
GRISTMILL_INLINE Lanes lower_interleaved(Lanes a, Lanes b) {
  return __builtin_shufflevector(a, b, 0, 2);
}
GRISTMILL_INLINE Lanes upper_interleaved(Lanes a, Lanes b) {
  return __builtin_shufflevector(a, b, 1, 3);
}
#endif
constexpr int kWidth = sizeof(Lanes) / sizeof(uint64_t);

GRISTMILL_INLINE Lanes all(uint64_t value) { return Lanes{} + value; }

GRISTMILL_INLINE uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void splitmix64(const Sample& sample, uint64_t first, uint32_t* indices) {
  const uint64_t start = mix(sample.seed + sample.number) + first;
  const uint64_t elements = sample.elements;
#pragma omp simd
  for (int i = 0; i < kDrawsAtOnce; ++i) {
    indices[i] =
        static_cast<uint32_t>(((mix(start + static_cast<uint64_t>(i)) >> 32) * elements) >> 32);
  }
}

// Blocks side by side; of each lane the upper half is anything.
struct Blocks {
  Lanes words[4];
};

GRISTMILL_INLINE void philox_round(Blocks& blocks, Lanes key_0, Lanes key_1) {
  const Lanes first = product(blocks.words[0], all(0xD2511F53));
  const Lanes second = product(blocks.words[2], all(0xCD9E8D57));
  blocks.words[0] = (second >> 32) ^ blocks.words[1] ^ key_0;
  blocks.words[2] = (first >> 32) ^ blocks.words[3] ^ key_1;
  blocks.words[1] = second;
  blocks.words[3] = first;
}

// The upper halves of two lanes of products, as the four words of a block.
GRISTMILL_INLINE Lanes pair(Lanes lower, Lanes upper) {
  return (lower >> 32) | (upper & 0xffffffff00000000);
}

// The words of blocks times the number of elements: indices in the upper halves.
GRISTMILL_INLINE Blocks scaled(const Blocks& blocks, uint64_t elements) {
  Blocks products;
  for (int word = 0; word < 4; ++word) {
    products.words[word] = product(blocks.words[word], all(elements));
  }
  return products;
}

// Nonzero in lanes of which a lower half is below that bound.
GRISTMILL_INLINE Lanes any_below(const Blocks& products, uint64_t bound) {
  Lanes borrowed{};
  for (const Lanes& of_word : products.words) borrowed |= (of_word & 0xffffffff) - all(bound);
  return borrowed >> 63;
}

// Of the words of a block the first lies lowest.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
GRISTMILL_INLINE void store(const Blocks& products, uint32_t* indices) {
  const Lanes a = pair(products.words[0], products.words[1]);
  const Lanes b = pair(products.words[2], products.words[3]);
  const Lanes in_order[2] = {lower_interleaved(a, b), upper_interleaved(a, b)};
  __builtin_memcpy(indices, in_order, sizeof in_order);
}

__attribute__((noinline, cold)) void redraw(const Sample& sample, uint64_t first,
                                            const Blocks& products, uint32_t bound,
                                            uint32_t* indices) {
  for (int i = 0; i < 4 * kWidth; ++i) {
    if (static_cast<uint32_t>(products.words[i % 4][i / 4]) < bound) {
      indices[i] = redrawn(sample, first + static_cast<uint64_t>(i));
    }
  }
}

// The stream of gristmill::kernel::Philox(seed, number), a word for each draw.
void philox(const Sample& sample, uint64_t first, uint32_t* indices) {
  const auto biased = static_cast<uint32_t>((uint64_t{1} << 32) % sample.elements);
  Lanes keys[10][2];
  for (uint64_t round = 0; round < 10; ++round) {
    keys[round][0] = all(sample.seed + round * 0x9E3779B9);
    keys[round][1] = all((sample.seed >> 32) + round * 0xBB67AE85);
  }
  Lanes numbers;
  for (int lane = 0; lane < kWidth; ++lane) numbers[lane] = static_cast<uint64_t>(lane);
  // Two at a time, because each waits for its own products.
  constexpr int kDraws = 4 * kWidth;
  for (int i = 0; i < kDrawsAtOnce; i += 2 * kDraws) {
    Blocks blocks[2];
    for (int k = 0; k < 2; ++k) {
      const Lanes block = numbers + (first / 4 + static_cast<uint64_t>(i / 4 + k * kWidth));
      blocks[k] = {{block, block >> 32, all(sample.number), all(sample.number >> 32)}};
    }
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      for (Blocks& one : blocks) philox_round(one, keys[round][0], keys[round][1]);
    }
    for (Blocks& one : blocks) one = scaled(one, sample.elements);
    store(blocks[0], indices + i);
    store(blocks[1], indices + i + kDraws);
    // Lemire's method. Seldom, so one by one.
    if (any(any_below(blocks[0], biased) | any_below(blocks[1], biased))) {
      const uint64_t draw = first + static_cast<uint64_t>(i);
      redraw(sample, draw, blocks[0], biased, indices + i);
      redraw(sample, draw + kDraws, blocks[1], biased, indices + i + kDraws);
    }
  }
}

template <bool kReal>
struct TotalOf {
  using Type = int64_t;
};
template <>
struct TotalOf<true> {
  using Type = double;
};

template <class T>
void add(const void* elements, int64_t stride, const uint32_t* indices, int count, DrawnSum& sum) {
  const T* values = static_cast<const T*>(elements);
  constexpr bool kReal = static_cast<T>(0.5) != 0;
  using Total = typename TotalOf<kReal>::Type;
  constexpr int kSums = 8;
  Total sums[kSums] = {};
  int i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int k = 0; k < kSums; ++k) sums[k] += static_cast<Total>(values[indices[i + k] * stride]);
  }
  for (int k = 0; i + k < count; ++k)
    sums[k] += static_cast<Total>(values[indices[i + k] * stride]);
  const Total total =
      ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  if constexpr (kReal) {
    sum.real += total;
  } else {
    sum.whole += total;
  }
}

constexpr BootstrapLoops bootstrap(const char* instruction_set) {
  BootstrapLoops loops{};
  loops.instruction_set = instruction_set;
  loops.splitmix64 = &splitmix64;
  loops.philox = &philox;
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

#undef GRISTMILL_INLINE

}  // namespace
}  // namespace gristmill::kernels
