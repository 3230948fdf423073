#pragma once

#include <cstdint>

namespace gristmill::test {

// What is left of a sequence of numbers, and of the tree in which parts of it were merged: another
// order or another tree gives other bits. All zeros for nothing.
struct OrderedDigest {
  std::uint64_t digest = 0;
  double sum = 0;

  void add(std::int64_t value) {
    digest = (digest ^ static_cast<std::uint64_t>(value)) * 0x9E3779B97F4A7C15U + 1;
    sum += 1.0 / (1.0 + static_cast<double>(value % 1000 + 1000));
  }
  void merge(const OrderedDigest& from) {
    digest = digest * 0xBF58476D1CE4E5B9U + from.digest * 3 + 7;
    sum += from.sum;
  }
  friend bool operator==(const OrderedDigest&, const OrderedDigest&) = default;
};

}  // namespace gristmill::test
