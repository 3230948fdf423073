#include "kernels/streaming_copy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace gristmill::kernels {

#if defined(__x86_64__)

void streaming_copy(std::span<std::byte> target, const std::byte* source) {
  constexpr std::size_t kLine = 64;
  std::byte* to = target.data();
  // Only whole cache lines are written past the caches well.
  const std::size_t misfit = (kLine - reinterpret_cast<std::uintptr_t>(to) % kLine) % kLine;
  const std::size_t head = std::min(misfit, target.size());
  if (head > 0) std::memcpy(to, source, head);
  to += head;
  source += head;
  std::size_t left = target.size() - head;
  for (; left >= kLine; left -= kLine, to += kLine, source += kLine) {
    const auto* const from = reinterpret_cast<const __m128i*>(source);
    auto* const line = reinterpret_cast<__m128i*>(to);
    const __m128i a = _mm_loadu_si128(from);
    const __m128i b = _mm_loadu_si128(from + 1);
    const __m128i c = _mm_loadu_si128(from + 2);
    const __m128i d = _mm_loadu_si128(from + 3);
    _mm_stream_si128(line, a);
    _mm_stream_si128(line + 1, b);
    _mm_stream_si128(line + 2, c);
    _mm_stream_si128(line + 3, d);
  }
  if (left > 0) std::memcpy(to, source, left);
  // A release store does not order these stores: without this, the chunk could be told to be done
  // before its rows are there.
  _mm_sfence();
}

#else

void streaming_copy(std::span<std::byte> target, const std::byte* source) {
  if (!target.empty()) std::memcpy(target.data(), source, target.size());
}

#endif

}  // namespace gristmill::kernels
