#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <gristmill/kernel.hpp>

#include "kernels/neighbourhood.h"
#include "kernels/window_patch.h"

namespace gristmill::kernels {

// Statistics of the neighbourhood of each element of a grid.
class Window {
 public:
  static constexpr const char* kName = "window";
  static constexpr const char* kSummary =
      "statistics of the neighbourhood of each element of a grid";
  static constexpr const char* kDescription =
      "A neighbourhood is a box with the element in its middle. Beyond the ends of an axis there "
      "is "
      "what \"edges\" says: valid, nothing, so the output has size - 1 elements less; nearest, the "
      "last element again; periodic, the other end. Everything is computed in float64; whole "
      "numbers "
      "beyond 2^53 are rounded to it.\n"
      "mean and std: along one axis after the other sets of elements are merged two by two, always "
      "the same way (Chan, Golub, LeVeque, \"Algorithms for computing the sample variance\", The "
      "American Statistician 37, 1983), with sums kept to twice the precision, so that std is good "
      "to "
      "about 1e-14 of itself however large the mean. std is that of a population, NaN or infinite "
      "where a squared difference is beyond float64.\n"
      "median, min and max are exact: by selection from up to 63 elements, else by ranks whose set "
      "moves along the last axis; min and max from sets that overlap.\n"
      "A NaN in a neighbourhood makes all of them NaN, as in NumPy.\n"
      "Cost for each element: mean, std, min and max grow with the logarithm of the size along "
      "each "
      "axis, and with fewer than 16 rows in a chunk with the size along axis 0; for 31 x 31 some "
      "20 "
      "nanoseconds. A median of 3 x 3 takes about 5 nanoseconds, one of 31 x 31 about 250.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("grid", "whole numbers, float32 or float64 of 1 to 4 axes", kernel::kNumbers,
                    kernel::ranks(1, Neighbourhood::kMostAxes))};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::span<const double>>(
          "size", "of the neighbourhood along each axis, or along all: odd numbers", "3"),
      kernel::param<std::string_view>(
          "edges",
          "\"valid\", \"nearest\" or \"periodic\", one for all axes or one for each, with "
          "commas",
          "nearest")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("mean", "float64 per element"),
      kernel::output("std", "float64 per element: deviation of the population"),
      kernel::output("median", "float64 per element"), kernel::output("min", "float64 per element"),
      kernel::output("max", "float64 per element")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Window(const kernel::Request& request);
  void run(const kernel::Chunk& chunk);

 private:
  void write_means(const kernel::Chunk& chunk);
  void write_extremes(const kernel::Chunk& chunk);
  void write_medians(const kernel::Chunk& chunk);
  // Where a NaN is seen.
  void write_nans(const kernel::Chunk& chunk, const char* output);
  // Calls write(place in the patch, elements, its line of the output) for each line.
  template <class Write>
  void write_lines(const kernel::Chunk& chunk, const char* output, const Write& write) const;

  const WindowLoops* loops_;
  Neighbourhood neighbourhood_;
  WindowPatch patch_;
};

}  // namespace gristmill::kernels
