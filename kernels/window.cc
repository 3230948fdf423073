#include "kernels/window.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

Neighbourhood neighbourhood_of(const kernel::Request& request) {
  return {request.input("grid"), request.param<std::span<const double>>("size"),
          request.param<std::string_view>("edges")};
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double nanoseconds_per_element(const kernel::Request& request, const Neighbourhood& neighbourhood) {
  constexpr double kPerStep = 0.6;
  constexpr double kPerSelected = 0.3;
  constexpr double kPerColumnElement = 8;
  double steps = 0;
  for (const WindowAxis& axis : neighbourhood.axes()) {
    steps += static_cast<double>(std::bit_width(static_cast<std::uint64_t>(axis.size)));
  }
  double nanoseconds = 1;
  for (const char* output : {"mean", "std", "min", "max"}) {
    if (request.wanted(output)) nanoseconds += kPerStep * steps;
  }
  const auto elements = static_cast<double>(neighbourhood.elements());
  if (request.wanted("median")) {
    nanoseconds +=
        neighbourhood.elements() <= kMostSelected
            ? kPerSelected * elements
            : kPerColumnElement * elements / static_cast<double>(neighbourhood.axes().back().size);
  }
  return nanoseconds;
}

// The next part of a chunk, along the last axis first; false at the end.
bool go_on(const PerAxis& extent, const PerAxis& ends, std::size_t axes, PerAxis& begin) {
  for (std::size_t k = axes; k-- > 0;) {
    begin[k] += extent[k];
    if (begin[k] < ends[k]) return true;
    if (k > 0) begin[k] = 0;
  }
  return false;
}

}  // namespace

void Window::plan(const kernel::Request& request, kernel::Plan& plan) {
  const Neighbourhood neighbourhood = neighbourhood_of(request);
  const std::vector<std::int64_t> shape = neighbourhood.output_shape();
  const std::span<const std::int64_t> row(shape.data() + 1, shape.size() - 1);
  const kernel::Input grid = request.input("grid");
  std::int64_t elements = 1;
  for (const std::int64_t length : row) elements *= length;
  std::int64_t bytes = grid.columns() * kernel::dtype_bytes(grid.dtype());
  for (const gm_output_decl& output : kOutputs) {
    plan.output(output.name, GM_FLOAT64, row);
    if (request.wanted(output.name)) bytes += elements * std::int64_t{sizeof(double)};
  }
  plan.range(shape[0])
      .bytes_per_item(bytes)
      .nanoseconds_per_item(static_cast<double>(elements) *
                            nanoseconds_per_element(request, neighbourhood))
      .instruction_set(chosen_window().instruction_set);
}

Window::Window(const kernel::Request& request)
    : loops_(&chosen_window()),
      neighbourhood_(neighbourhood_of(request)),
      patch_(neighbourhood_, request.input("grid"), *loops_) {}

void Window::run(const kernel::Chunk& chunk) {
  const std::vector<std::int64_t> shape = neighbourhood_.output_shape();
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return;
  const PerAxis extent = part_extent(neighbourhood_, chunk.size());
  PerAxis begin{chunk.begin()};
  PerAxis ends{};
  std::copy(shape.begin(), shape.end(), ends.begin());
  ends[0] = chunk.end();
  do {
    if (chunk.cancelled()) return;
    OutputPart part{begin, extent};
    for (std::size_t k = 0; k < shape.size(); ++k) {
      part.extent[k] = std::min(extent[k], ends[k] - begin[k]);
    }
    patch_.load(part);
    if (chunk.wanted("mean") || chunk.wanted("std")) write_means(chunk);
    if (chunk.wanted("min") || chunk.wanted("max")) write_extremes(chunk);
    if (chunk.wanted("median")) write_medians(chunk);
  } while (go_on(extent, ends, shape.size(), begin));
}

void Window::write_means(const kernel::Chunk& chunk) {
  const auto elements = static_cast<double>(neighbourhood_.elements());
  // The sums are the same bits.
  const Moments moments =
      chunk.wanted("std") ? patch_.moments() : Moments{patch_.sums(), nullptr, nullptr};
  if (chunk.wanted("mean")) {
    write_lines(chunk, "mean", [&](std::int64_t place, std::int64_t count, double* out) {
      loops_->mean(moments.sum + place, elements, count, out);
    });
  }
  if (!chunk.wanted("std")) return;
  write_lines(chunk, "std", [&](std::int64_t place, std::int64_t count, double* out) {
    if (moments.squares != nullptr) {
      loops_->deviation(moments.squares + place, elements, count, out);
    } else {
      // A number deviates from itself by nothing, but for those that have no difference.
      std::transform(moments.sum + place, moments.sum + place + count, out,
                     [](double sum) { return std::isfinite(sum) ? 0.0 : kNan; });
    }
  });
}

void Window::write_extremes(const kernel::Chunk& chunk) {
  for (const char* output : {"min", "max"}) {
    if (!chunk.wanted(output)) continue;
    const double* extremes =
        std::string_view(output) == "min" ? patch_.smallest() : patch_.largest();
    write_lines(chunk, output, [&](std::int64_t place, std::int64_t count, double* out) {
      std::copy_n(extremes + place, count, out);
    });
    if (patch_.has_nan()) write_nans(chunk, output);
  }
}

void Window::write_medians(const kernel::Chunk& chunk) {
  patch_.prepare_medians();
  write_lines(chunk, "median", [&](std::int64_t place, std::int64_t count, double* out) {
    patch_.medians(place, count, out);
  });
  if (patch_.has_nan()) write_nans(chunk, "median");
}

void Window::write_nans(const kernel::Chunk& chunk, const char* output) {
  const double* marks = patch_.nan_marks();
  write_lines(chunk, output, [&](std::int64_t place, std::int64_t count, double* out) {
    for (std::int64_t i = 0; i < count; ++i) {
      if (marks[place + i] != 0) out[i] = kNan;
    }
  });
}

template <class Write>
void Window::write_lines(const kernel::Chunk& chunk, const char* output, const Write& write) const {
  double* const rows = chunk.output<double>(output).data();
  const WindowLayout& layout = patch_.layout();
  const auto& axes = neighbourhood_.axes();
  const OutputPart& part = layout.part();
  layout.for_each_line(part.extent, [&](const PerAxis& index, std::int64_t place) {
    std::int64_t element = 0;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const std::int64_t begin = k == 0 ? part.begin[0] - chunk.begin() : part.begin[k];
      element = element * axes[k].output_length() + begin + index[k];
    }
    write(place, part.extent[axes.size() - 1], rows + element);
  });
}

}  // namespace gristmill::kernels
