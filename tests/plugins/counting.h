#pragma once

#include <algorithm>
#include <cstdint>

#include <gristmill/kernel.hpp>

namespace gristmill::test {

// The end of a reduce whose accumulator is its output "count": any order of merges gives the same.
class Counting {
 public:
  void merge(const kernel::Merge& merge) const {
    const auto into = merge.into<std::int64_t>();
    const auto from = merge.from<std::int64_t>();
    for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
  }
  void finish(const kernel::Finish& finish) const {
    const auto counts = finish.accumulator<std::int64_t>();
    std::copy(counts.begin(), counts.end(), finish.output<std::int64_t>("count").begin());
  }
};

}  // namespace gristmill::test
