#pragma once

#include <cstdint>
#include <string_view>

#include <gristmill/kernel.hpp>

#include "kernels/bootstrap_draws.h"
#include "kernels/compact_column.h"

namespace gristmill::kernels {

// Mean and sum of samples drawn with replacement.
class Bootstrap {
 public:
  static constexpr const char* kName = "bootstrap";
  static constexpr const char* kSummary = "means and sums of samples drawn with replacement";
  static constexpr const char* kDescription =
      "Draws samples of N from the N values of a column, with replacement: the spread of their "
      "means "
      "is that of the mean (Efron, \"Bootstrap methods: another look at the jackknife\", Annals of "
      "Statistics 7, 1979). Draw i of sample b depends on the seed, b and i alone:\n"
      "philox: (w N) >> 32 with w word i of the stream of sample b in gristmill/philox.hpp, "
      "Philox4x32-10 with the key seed. Words that would bias it, those with (w N) mod 2^32 below "
      "2^32 mod N, are replaced by the first of block 2^63 + 2^32 k + i, k = 0, 1, ... (Lemire, "
      "\"Fast "
      "random integer generation in an interval\", 2019).\n"
      "splitmix64: ((r >> 32) N) >> 32 with r = mix(mix(seed + b) + i) and mix the output function "
      "of "
      "SplitMix64 (Steele, Lea, Flood, \"Fast splittable pseudorandom number generators\", 2014), "
      "its "
      "increment included. Faster, but some values are likelier than others, by up to N / 2^32.\n"
      "Whole numbers are summed exactly, all others in float64.\n"
      "Cost: samples x N draws of about 0.7 nanoseconds while a column is in the processor's "
      "cache. "
      "A worker keeps a copy of the column, of the narrowest dtype, up to 64 MiB.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("values", "N or N x d whole numbers, float32 or float64", kernel::kNumbers,
                    kernel::ranks(1, 2))};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("samples", "how many", "1000"),
      kernel::param<std::int64_t>("seed", "another seed draws other samples", "42"),
      kernel::param<std::int64_t>("column", "which of the columns, from 0", "0"),
      kernel::param<std::string_view>("generator", "\"philox\" or \"splitmix64\"", "philox")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("mean", "float64 per sample"),
      kernel::output("sum", "int64 per sample of whole numbers, else float64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Bootstrap(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;

 private:
  // False when the job was cancelled meanwhile.
  bool draw(const kernel::Chunk& chunk, std::int64_t number, DrawnSum& sum) const;

  const BootstrapLoops* loops_;
  void (*indices_)(const Sample& sample, std::uint64_t first, std::uint32_t* indices);
  std::uint64_t seed_;
  std::int64_t count_;
  CompactColumn column_;
  bool real_;
};

}  // namespace gristmill::kernels
