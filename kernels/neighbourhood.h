#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// What lies beyond an end of an axis: nothing, so that the output is shorter; the last element
// again and again; the other end.
enum class Edges { kValid, kNearest, kPeriodic };

// One axis of a grid and what of it each output element sees: `size` elements, half of them before
// its own. Output element i sees the places i .. i + size - 1.
struct WindowAxis {
  std::int64_t length;
  std::int64_t size;
  Edges edges;

  std::int64_t output_length() const {
    return edges == Edges::kValid ? length - (size - 1) : length;
  }
  // The element of the grid at that place. Requires: it exists, as it does for each element that an
  // output element sees.
  std::int64_t element_at(std::int64_t place) const;
  // How many places up to `end`, this one included, have elements that follow each other. Requires:
  // place < end.
  std::int64_t consecutive(std::int64_t place, std::int64_t end) const;
};

// All axes of a grid, checked.
class Neighbourhood {
 public:
  static constexpr std::uint32_t kMostAxes = 4;
  static constexpr std::int64_t kMostElements = std::int64_t{1} << 22;

  // sizes, edges: one for all axes, or one for each; edges are words with commas between them.
  // Errors: Invalid if they do not fit the grid, or leave nothing of it.
  Neighbourhood(const kernel::Input& grid, std::span<const double> sizes, std::string_view edges);

  const std::vector<WindowAxis>& axes() const { return axes_; }
  // Of the neighbourhood of an output element.
  std::int64_t elements() const { return elements_; }
  std::vector<std::int64_t> output_shape() const;

 private:
  std::vector<WindowAxis> axes_;
  std::int64_t elements_ = 1;
};

}  // namespace gristmill::kernels
