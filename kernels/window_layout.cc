#include "kernels/window_layout.h"

#include <algorithm>
#include <cmath>

namespace gristmill::kernels {
namespace {

// Numbers, and up to six more arrays of float64 of the same size: most of a second-level cache.
constexpr std::int64_t kPartPlaces = 16 * 1024;
// More rows at once gain little; fewer of them leave longer lines.
constexpr std::int64_t kPartRows = 16;
// Long enough for vector instructions, where other axes want a share, too.
constexpr std::int64_t kLineElements = 64;

// So many elements that the places which they see are about as many as that, but at least the size
// of a neighbourhood: with less most of the work would be for the surroundings.
std::int64_t extent_for(double places, std::int64_t size, std::int64_t length) {
  const auto fitting = static_cast<std::int64_t>(places) - (size - 1);
  return std::min(std::max(fitting, size), length);
}

std::vector<std::int64_t> with_axis(const std::vector<std::int64_t>& places, std::int64_t count,
                                    std::int64_t stride) {
  std::vector<std::int64_t> all;
  for (const std::int64_t place : places) {
    for (std::int64_t i = 0; i < count; ++i) all.push_back(place + i * stride);
  }
  return all;
}

}  // namespace

PerAxis part_extent(const Neighbourhood& neighbourhood, std::int64_t rows) {
  const auto& axes = neighbourhood.axes();
  const std::size_t last = axes.size() - 1;
  PerAxis extent{};
  double places = kPartPlaces;  // for the axes that are left
  const auto set = [&](std::size_t k, std::int64_t of_axis) {
    extent[k] = of_axis;
    places = std::max(places / static_cast<double>(of_axis + axes[k].size - 1), 1.0);
  };
  set(0, last == 0 ? extent_for(places, axes[0].size, rows) : std::min(rows, kPartRows));
  if (last > 1) {
    set(last, std::min(axes[last].output_length(), std::max(kLineElements, 2 * axes[last].size)));
  }
  for (std::size_t k = 1; k < (last > 1 ? last : last + 1); ++k) {
    const auto axes_left = static_cast<double>(std::max<std::size_t>(last - k, 1));
    set(k, extent_for(std::pow(places, 1 / axes_left), axes[k].size, axes[k].output_length()));
  }
  return extent;
}

WindowLayout::WindowLayout(const Neighbourhood& neighbourhood, const OutputPart& part)
    : neighbourhood_(&neighbourhood), part_(part) {
  std::int64_t stride = 1;
  for (std::size_t k = axes(); k-- > 0;) {
    places_[k] = part.extent[k] + neighbourhood.axes()[k].size - 1;
    strides_[k] = stride;
    stride *= places_[k];
  }
}

std::vector<std::int64_t> WindowLayout::seen_first() const {
  std::vector<std::int64_t> places = {0};
  for (std::size_t k = 0; k + 1 < axes(); ++k) {
    places = with_axis(places, neighbourhood_->axes()[k].size, strides_[k]);
  }
  return places;
}

std::vector<std::int64_t> WindowLayout::seen() const {
  return with_axis(seen_first(), neighbourhood_->axes().back().size, 1);
}

}  // namespace gristmill::kernels
