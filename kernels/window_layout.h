#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/neighbourhood.h"
#include "kernels/window_steps.h"

namespace gristmill::kernels {

using PerAxis = std::array<std::int64_t, Neighbourhood::kMostAxes>;

// A part of the output: `extent` elements along each axis, from begin on.
struct OutputPart {
  PerAxis begin;
  PerAxis extent;
};

// How much of the output is worth its surroundings at a time: what it sees fits into a cache, if
// the neighbourhood allows it. Longer than the output along no axis, nor than `rows` along axis 0.
// Requires: the output and rows are not empty.
PerAxis part_extent(const Neighbourhood& neighbourhood, std::int64_t rows);

// How an array holds all places that a part of the output sees: row-major, an element sees itself
// and what lies behind.
class WindowLayout {
 public:
  // Requires: the neighbourhood outlives the layout; the part is not empty.
  WindowLayout(const Neighbourhood& neighbourhood, const OutputPart& part);
  WindowLayout(Neighbourhood&&, const OutputPart&) = delete;

  std::size_t axes() const { return neighbourhood_->axes().size(); }
  const OutputPart& part() const { return part_; }
  // How many places there are along an axis, and in all.
  std::int64_t places(std::size_t axis) const { return places_[axis]; }
  std::int64_t size() const { return places_[0] * strides_[0]; }
  std::int64_t stride(std::size_t axis) const { return strides_[axis]; }

  // Calls visit(index along all axes but the last, which is 0; place in the array) for each line
  // along the last axis within these counts.
  template <class Visit>
  void for_each_line(const PerAxis& counts, const Visit& visit) const;

  // Calls visit(first, count) for each run of places whose sets a step makes. Axes are done one
  // after the other, from the first on; ranges: of the first axis.
  template <class Visit>
  void for_each_run(std::size_t axis, const WindowStep& step, const std::vector<StepRange>& ranges,
                    const Visit& visit) const;

  // Where what an element sees lies against its own place; or only that at the first place of the
  // last axis.
  std::vector<std::int64_t> seen() const;
  std::vector<std::int64_t> seen_first() const;

 private:
  // All indices along the axes before `depth`.
  template <class Visit>
  void for_each_index(const PerAxis& counts, std::size_t depth, const Visit& visit) const;

  const Neighbourhood* neighbourhood_;
  OutputPart part_;
  PerAxis places_{};
  PerAxis strides_{};
};

template <class Visit>
void WindowLayout::for_each_index(const PerAxis& counts, std::size_t depth,
                                  const Visit& visit) const {
  std::int64_t left = 1;
  for (std::size_t k = 0; k < depth; ++k) left *= counts[k];
  PerAxis index{};
  for (; left > 0; --left) {
    std::int64_t place = 0;
    for (std::size_t k = 0; k < depth; ++k) place += index[k] * strides_[k];
    visit(index, place);
    std::size_t k = depth;
    while (k > 0 && ++index[k - 1] == counts[k - 1]) index[--k] = 0;
  }
}

template <class Visit>
void WindowLayout::for_each_line(const PerAxis& counts, const Visit& visit) const {
  for_each_index(counts, axes() - 1, visit);
}

template <class Visit>
void WindowLayout::for_each_run(std::size_t axis, const WindowStep& step,
                                const std::vector<StepRange>& ranges, const Visit& visit) const {
  if (axis == 0) {
    for (const StepRange& range : ranges) {
      visit(range.begin * strides_[0], (range.end - range.begin) * strides_[0]);
    }
    return;
  }
  const std::int64_t count = (places_[axis] - step.size + 1) * strides_[axis];
  for_each_index(part_.extent, axis,
                 [&](const PerAxis&, std::int64_t place) { visit(place, count); });
}

}  // namespace gristmill::kernels
