#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gristmill/kernel.hpp>

#include "kernels/neighbourhood.h"
#include "kernels/ranking.h"
#include "kernels/window_layout.h"
#include "kernels/window_statistics.h"
#include "kernels/window_steps.h"

namespace gristmill::kernels {

// A part of the output with all that it sees of the grid, and the statistics of its neighbourhoods.
// What is found for an element is the same bits in any part. Keeps its memory for the next part.
class WindowPatch {
 public:
  // Requires: all outlive the patch.
  WindowPatch(const Neighbourhood& neighbourhood, const kernel::Input& grid,
              const WindowLoops& loops);
  WindowPatch(const WindowPatch&) = delete;
  WindowPatch& operator=(const WindowPatch&) = delete;

  // Loads a part, which is not empty. All that follows is about it.
  void load(const OutputPart& part);
  const WindowLayout& layout() const { return layout_; }
  // Whether a NaN is among what it sees.
  bool has_nan() const { return has_nan_; }

  // Statistics of the elements in the places of the layout; only those of output elements mean
  // anything. Each is valid until the next call of any of them.
  double* sums();
  Moments moments();
  const double* smallest();
  const double* largest();
  // Not 0 where a NaN is seen.
  const double* nan_marks();

  // Makes ready for medians, once per part. NaNs are taken for numbers.
  void prepare_medians();
  // The medians of `count` elements from a place on.
  void medians(std::int64_t place, std::int64_t count, double* out);

 private:
  using Buffer = std::vector<double>;
  using Steps = std::array<std::vector<WindowStep>, Neighbourhood::kMostAxes>;
  struct MomentsBuffer {
    Buffer sum, rest, squares;
  };

  bool load_line(const std::byte* line, double* to) const;
  // Builds up sets from single numbers, axis by axis, taking turns with the buffers.
  template <class View, class Merge>
  View build(View numbers, const std::array<View, 2>& buffers, const Steps& steps,
             const Merge& merge);
  const double* extremes(double* numbers,
                         void (*extreme)(const double*, const double*, std::int64_t, double*));

  const Neighbourhood* neighbourhood_;
  const std::byte* grid_;
  std::int64_t element_bytes_;
  const WindowLoops* loops_;
  bool (*load_)(const void* from, std::int64_t count, double* to);
  Steps disjoint_;
  Steps overlapping_;

  WindowLayout layout_;
  bool has_nan_ = false;
  Buffer numbers_;
  Buffer extremes_;
  Buffer nan_marks_;
  std::array<MomentsBuffer, 2> moments_;
  // Medians: by selection from these places, or of ranks in columns.
  std::vector<std::int64_t> seen_;
  Ranking ranking_;
  std::vector<std::uint64_t> rank_bits_;
};

}  // namespace gristmill::kernels
