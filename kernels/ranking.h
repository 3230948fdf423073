#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gristmill::kernels {

// The ranks of numbers from the smallest on, 0, 1, ...; of equal ones in the order in which they
// lie, NaNs with a sign first and those without last. Keeps its memory for the next time.
// Cost: up to six passes of a radix sort; fewer where numbers have only few digits.
class Ranking {
 public:
  // Requires: fewer than 2^32 numbers.
  void rank(std::span<const double> numbers);

  // By place in numbers, and by rank. Valid until the next call of rank.
  std::span<const std::uint32_t> ranks() const { return ranks_; }
  std::span<const double> sorted() const { return sorted_; }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t place;
  };

  std::vector<Entry> entries_;
  std::vector<Entry> other_entries_;
  std::vector<std::uint32_t> ranks_;
  std::vector<double> sorted_;
};

}  // namespace gristmill::kernels
