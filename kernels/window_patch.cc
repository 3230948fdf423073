#include "kernels/window_patch.h"

#include <algorithm>
#include <cmath>

namespace gristmill::kernels {
namespace {

double* from(double* array, std::int64_t place) { return array + place; }

Moments from(const Moments& moments, std::int64_t place) {
  if (moments.rest == nullptr) return {moments.sum + place, nullptr, nullptr};
  return {moments.sum + place, moments.rest + place, moments.squares + place};
}

void grow(std::vector<double>& buffer, std::int64_t size) {
  if (buffer.size() < static_cast<std::size_t>(size)) buffer.resize(static_cast<std::size_t>(size));
}

OutputPart one_element() {
  OutputPart part{};
  part.extent.fill(1);
  return part;
}

}  // namespace

WindowPatch::WindowPatch(const Neighbourhood& neighbourhood, const kernel::Input& grid,
                         const WindowLoops& loops)
    : neighbourhood_(&neighbourhood),
      grid_(static_cast<const std::byte*>(grid.data())),
      element_bytes_(kernel::dtype_bytes(grid.dtype())),
      loops_(&loops),
      load_(loops.load[grid.dtype()]),
      layout_(neighbourhood, one_element()) {
  for (std::size_t k = 0; k < neighbourhood.axes().size(); ++k) {
    disjoint_[k] = disjoint_steps(neighbourhood.axes()[k].size);
    overlapping_[k] = overlapping_steps(neighbourhood.axes()[k].size);
  }
}

void WindowPatch::load(const OutputPart& part) {
  layout_ = WindowLayout(*neighbourhood_, part);
  grow(numbers_, layout_.size());
  has_nan_ = false;
  PerAxis places{};
  for (std::size_t k = 0; k < layout_.axes(); ++k) places[k] = layout_.places(k);
  const auto& axes = neighbourhood_->axes();
  layout_.for_each_line(places, [&](const PerAxis& index, std::int64_t place) {
    std::int64_t row = 0;
    for (std::size_t k = 0; k + 1 < axes.size(); ++k) {
      row = row * axes[k].length + axes[k].element_at(part.begin[k] + index[k]);
    }
    const std::byte* line = grid_ + row * axes.back().length * element_bytes_;
    has_nan_ |= load_line(line, numbers_.data() + place);
  });
}

bool WindowPatch::load_line(const std::byte* line, double* to) const {
  const std::size_t last = layout_.axes() - 1;
  const WindowAxis& axis = neighbourhood_->axes()[last];
  const std::int64_t begin = layout_.part().begin[last];
  const std::int64_t end = begin + layout_.places(last);
  bool has_nan = false;
  for (std::int64_t place = begin; place < end;) {
    const std::int64_t count = axis.consecutive(place, end);
    has_nan |= load_(line + axis.element_at(place) * element_bytes_, count, to + (place - begin));
    place += count;
  }
  return has_nan;
}

template <class View, class Merge>
View WindowPatch::build(View numbers, const std::array<View, 2>& buffers, const Steps& steps,
                        const Merge& merge) {
  View single = numbers;
  std::size_t turn = 0;
  std::int64_t elements = 1;
  for (std::size_t axis = 0; axis < layout_.axes(); ++axis) {
    const std::vector<WindowStep>& along = steps[axis];
    if (along.empty()) continue;
    const View out = buffers[turn];
    const auto ranges = ranges_of(along, layout_.part().extent[axis]);
    for (std::size_t i = 0; i < along.size(); ++i) {
      const WindowStep& step = along[i];
      const View set = i == 0 ? single : out;
      const View other = step.single ? single : set;
      const std::int64_t shift = step.shift * layout_.stride(axis);
      layout_.for_each_run(axis, step, ranges[i], [&](std::int64_t first, std::int64_t count) {
        merge(from(set, first), from(other, first + shift), step, elements, count,
              from(out, first));
      });
    }
    elements *= neighbourhood_->axes()[axis].size;
    single = out;
    turn = 1 - turn;
  }
  return single;
}

double* WindowPatch::sums() {
  for (MomentsBuffer& buffer : moments_) grow(buffer.sum, layout_.size());
  return build<double*>(numbers_.data(), {moments_[0].sum.data(), moments_[1].sum.data()},
                        disjoint_,
                        [&](const double* a, const double* b, const WindowStep&, std::int64_t,
                            std::int64_t count, double* out) { loops_->add(a, b, count, out); });
}

Moments WindowPatch::moments() {
  std::array<Moments, 2> buffers{};
  for (std::size_t i = 0; i < 2; ++i) {
    MomentsBuffer& buffer = moments_[i];
    for (Buffer* array : {&buffer.sum, &buffer.rest, &buffer.squares}) {
      grow(*array, layout_.size());
    }
    buffers[i] = {buffer.sum.data(), buffer.rest.data(), buffer.squares.data()};
  }
  return build<Moments>(
      {numbers_.data(), nullptr, nullptr}, buffers, disjoint_,
      [&](const Moments& a, const Moments& b, const WindowStep& step, std::int64_t elements,
          std::int64_t count, const Moments& out) {
        // a has times as many elements as b; with n of b it is 1 / (times (times + 1) n).
        const std::int64_t times = step.single ? step.size - 1 : 1;
        const std::int64_t of_b = step.single ? elements : elements * (step.size / 2);
        const double scale = 1 / (static_cast<double>(times) * static_cast<double>(times + 1) *
                                  static_cast<double>(of_b));
        loops_->merge({a, b, times, scale}, count, out);
      });
}

const double* WindowPatch::extremes(double* numbers, void (*extreme)(const double*, const double*,
                                                                     std::int64_t, double*)) {
  grow(extremes_, layout_.size());
  double* const buffer = extremes_.data();
  return build<double*>(numbers, {buffer, buffer}, overlapping_,
                        [&](const double* a, const double* b, const WindowStep&, std::int64_t,
                            std::int64_t count, double* out) { extreme(a, b, count, out); });
}

const double* WindowPatch::smallest() { return extremes(numbers_.data(), loops_->smaller); }
const double* WindowPatch::largest() { return extremes(numbers_.data(), loops_->larger); }

const double* WindowPatch::nan_marks() {
  grow(nan_marks_, layout_.size());
  std::transform(numbers_.begin(), numbers_.begin() + layout_.size(), nan_marks_.begin(),
                 [](double number) { return std::isnan(number) ? 1.0 : 0.0; });
  return extremes(nan_marks_.data(), loops_->larger);
}

void WindowPatch::prepare_medians() {
  if (neighbourhood_->elements() <= kMostSelected) {
    seen_ = layout_.seen();
    return;
  }
  seen_ = layout_.seen_first();
  const auto size = static_cast<std::size_t>(layout_.size());
  ranking_.rank({numbers_.data(), size});
  rank_bits_.assign(size / 64 + 1, 0);
}

void WindowPatch::medians(std::int64_t place, std::int64_t count, double* out) {
  if (neighbourhood_->elements() <= kMostSelected) {
    loops_->median(numbers_.data() + place, seen_.data(), static_cast<int>(seen_.size()), count,
                   out);
  } else {
    loops_->sliding_median(
        {ranking_.ranks().data() + place, seen_.data(), static_cast<std::int64_t>(seen_.size()),
         neighbourhood_->axes().back().size, ranking_.sorted().data(), rank_bits_.data()},
        count, out);
  }
}

}  // namespace gristmill::kernels
