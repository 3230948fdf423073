#pragma once

#include <cstdint>

#include <gristmill/kernel.hpp>

#include "kernels/column_moments.h"

namespace gristmill::kernels {

// Count, mean, standard deviation, minimum and maximum of each column.
class Describe {
 public:
  static constexpr const char* kName = "describe";
  static constexpr const char* kSummary = "count, mean, deviation, minimum and maximum of columns";
  static constexpr const char* kDescription =
      "Goes once over the rows. Everything is computed in float64; whole numbers beyond 2^53 are "
      "rounded to it.\n"
      "mean and std: in blocks, by differences to a first value (where that is far off, by the "
      "corrected two-pass algorithm), merged as in Chan, Golub, LeVeque, \"Algorithms for "
      "computing the sample variance\", The American Statistician 37, 1983. std is the square root "
      "of the squared deviations over (count - ddof), NaN where that "
      "is not above 0, and NaN "
      "or infinite where a squared difference is beyond float64.\n"
      "A NaN in a column makes its mean, std, min and max NaN, as in NumPy; no rows give count 0 "
      "and NaN.\n"
      "Cost: that of reading the input from memory.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("rows", "N x any shape, whole numbers, float32 or float64")};
  static constexpr gm_param_decl kParams[] = {kernel::param<std::int64_t>(
      "ddof", "subtracted from the count in std: 1 for the deviation of a sample", "0")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("count", "int64 per column: rows"),
      kernel::output("mean", "float64 per column"), kernel::output("std", "float64 per column"),
      kernel::output("min", "float64 per column"), kernel::output("max", "float64 per column")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Describe(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;
  void merge(const kernel::Merge& merge) const;
  void finish(const kernel::Finish& finish) const;

 private:
  const std::byte* data_;
  std::int64_t columns_;
  std::int64_t element_bytes_;
  void (*add_)(const void* data, std::int64_t rows, std::int64_t columns, ColumnMoments* moments);
  std::int64_t ddof_;
};

}  // namespace gristmill::kernels
