#include "kernels/window_steps.h"

#include <algorithm>
#include <bit>

namespace gristmill::kernels {
namespace {

// These and the same further on, without overlaps.
std::vector<StepRange> and_shifted(std::vector<StepRange> ranges, std::int64_t shift) {
  const std::size_t count = ranges.size();
  for (std::size_t i = 0; i < count; ++i) {
    ranges.push_back({ranges[i].begin + shift, ranges[i].end + shift});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const StepRange& a, const StepRange& b) { return a.begin < b.begin; });
  std::vector<StepRange> joined;
  for (const StepRange& range : ranges) {
    if (!joined.empty() && range.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

}  // namespace

std::vector<WindowStep> disjoint_steps(std::int64_t size) {
  std::vector<WindowStep> steps;
  const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(size)));
  for (int k = bits - 2; k >= 0; --k) {
    const std::int64_t half = size >> (k + 1);
    steps.push_back({half, false, 2 * half});
    if ((size >> k & 1) != 0) steps.push_back({2 * half, true, 2 * half + 1});
  }
  return steps;
}

std::vector<WindowStep> overlapping_steps(std::int64_t size) {
  std::vector<WindowStep> steps;
  for (std::int64_t half = 1; half < size; half *= 2) {
    const std::int64_t next = std::min(2 * half, size);
    steps.push_back({next - half, false, next});
  }
  return steps;
}

std::vector<std::vector<StepRange>> ranges_of(const std::vector<WindowStep>& steps,
                                              std::int64_t count) {
  std::vector<std::vector<StepRange>> ranges(steps.size());
  std::vector<StepRange> wanted = {{0, count}};
  for (std::size_t i = steps.size(); i-- > 0;) {
    ranges[i] = wanted;
    if (!steps[i].single) wanted = and_shifted(wanted, steps[i].shift);
  }
  return ranges;
}

}  // namespace gristmill::kernels
