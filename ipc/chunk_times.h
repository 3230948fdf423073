#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace gristmill::ipc {

// A histogram of times with four buckets for each power of two of nanoseconds, so that a quantile
// read from it is true to an eighth. The last bucket begins at 2.1 hours and has no end.
inline constexpr std::size_t kTimeBuckets = 168;

constexpr std::size_t time_bucket(std::uint64_t nanoseconds) {
  if (nanoseconds < 4) return nanoseconds;
  const auto octave = static_cast<std::size_t>(std::bit_width(nanoseconds)) - 1;
  const std::size_t quarter = (nanoseconds >> (octave - 2)) & 3U;
  return std::min(4 * (octave - 1) + quarter, kTimeBuckets - 1);
}

// The geometric middle of a bucket, in nanoseconds.
inline double time_in_bucket(std::size_t bucket) {
  if (bucket < 4) return static_cast<double>(bucket);
  const double begin =
      std::ldexp(4.0 + static_cast<double>(bucket % 4), static_cast<int>(bucket / 4) - 1);
  const double end = begin + std::ldexp(1.0, static_cast<int>(bucket / 4) - 1);
  return std::sqrt(begin * end);
}

}  // namespace gristmill::ipc
