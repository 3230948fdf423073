#pragma once

#include <cstdint>
#include <vector>

namespace gristmill::kernels {

// One step towards sets of `size` numbers that follow each other: to the set that begins at i the
// one at i + shift is added. That is either another one of the step before, or a single number.
struct WindowStep {
  std::int64_t shift;
  bool single;
  std::int64_t size;
};

// Every number once: sets are doubled, and where that is not enough a single one is added. The same
// tree for every set, whatever is computed beside it. Requires: size >= 1; none for 1.
std::vector<WindowStep> disjoint_steps(std::int64_t size);

// For what may see a number twice: the last step overlaps.
std::vector<WindowStep> overlapping_steps(std::int64_t size);

// Half-open.
struct StepRange {
  std::int64_t begin;
  std::int64_t end;
};

// Which sets each of the steps has to make, in ascending order, if of the last one those at
// 0 .. count - 1 are wanted.
std::vector<std::vector<StepRange>> ranges_of(const std::vector<WindowStep>& steps,
                                              std::int64_t count);

}  // namespace gristmill::kernels
