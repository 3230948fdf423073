#pragma once

#include <cstddef>
#include <cstdint>

#include <gristmill/kernel.hpp>

#include "kernels/binning.h"

namespace gristmill::kernels {

// How many values lie in each of some bins of equal width, or the sum of their weights.
class Histogram {
 public:
  static constexpr const char* kName = "histogram";
  static constexpr const char* kSummary = "counts of values, or sums of weights, in equal bins";
  static constexpr const char* kDescription =
      "Counts the values in bins of equal width. Edge i is low + i (high - low) / bins; bin i has "
      "the values with edge(i) <= value < edge(i + 1), the last bin also its upper edge. Counts "
      "and edges are those of numpy.histogram(values, bins, range=(low, high)), to the last value "
      "on an edge: a value goes where the edges as they are rounded say, and for float32 values "
      "those are float32. Whole numbers beyond 2^53 are rounded to float64 first.\n"
      "NaN, infinities and values below low or above high are counted in outside.\n"
      "With weights, one per row, a bin holds the sum of the weights of its values in float64, "
      "summed in a fixed order. Without them nothing is rounded: memory for one set of bins per "
      "worker. With them: one set per chunk.\n"
      "Cost: half a nanosecond per value with AVX-512, one with AVX2; 4 nanoseconds where the bins "
      "are far larger than the caches.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("values", "N x any shape, whole numbers, float32 or float64", kernel::kNumbers,
                    kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("weights", "N float32 or float64: one per row of values",
                             kernel::kFloats, kernel::rank(1))};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("bins", "how many, up to 1073741824", "10"),
      kernel::param<double>("low", "lower edge of the first bin", "0"),
      kernel::param<double>("high", "upper edge of the last bin", "1"),
      kernel::param<std::int64_t>("column", "the element of each row that counts; -1: all of them",
                                  "-1")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("count", "per bin: int64, or float64 sums of weights"),
      kernel::output("edges", "float64, bins + 1: of the bins, ascending"),
      kernel::output("outside", "int64: values in no bin")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Histogram(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;
  void merge(const kernel::Merge& merge) const;
  void finish(const kernel::Finish& finish) const;

 private:
  Bins bins_;
  const std::byte* values_;
  std::int64_t value_bytes_;
  std::int64_t columns_;
  std::int64_t column_;
  const std::byte* weights_;
  gm_dtype weight_dtype_;  // 0: no weights
  void (*add_)(const Bins& bins, const BinnedValues& values, const BinWeights& weights,
               void* tally);
};

}  // namespace gristmill::kernels
