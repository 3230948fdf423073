#pragma once

#include <cstdint>
#include <span>

// What the test kernels compute, for the kernels and for the plain loops that check them.
namespace gristmill::test {

// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

// Depends on the item, on each number of its row and on the seed.
constexpr std::int64_t item_hash(std::int64_t item, std::span<const std::int64_t> row,
                                 std::int64_t seed) {
  std::uint64_t hash = mix(static_cast<std::uint64_t>(seed) + 0x9E3779B97F4A7C15U);
  hash = mix(hash ^ static_cast<std::uint64_t>(item));
  for (const std::int64_t value : row) hash = mix(hash + static_cast<std::uint64_t>(value));
  return static_cast<std::int64_t>(hash);
}

// In [0, 1), with all bits of the mantissa in use.
constexpr double item_value(std::int64_t hash) {
  return static_cast<double>(static_cast<std::uint64_t>(hash) >> 11) * 0x1.0p-53;
}

}  // namespace gristmill::test
