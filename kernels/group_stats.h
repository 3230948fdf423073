#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gristmill/kernel.hpp>

#include "kernels/grouping.h"

namespace gristmill::kernels {

// Count, mean, deviation, least and greatest of the values of each group.
class GroupStats {
 public:
  static constexpr const char* kName = "group_stats";
  static constexpr const char* kSummary = "count, mean, deviation, range and share by group";
  static constexpr const char* kDescription =
      "Each row has a value and the number of the group that it belongs to, its key.\n"
      "std is the square root of the squared deviations from the mean over (count - ddof), NaN "
      "where that is not above 0. share is how much of a group is at the threshold or above. "
      "Groups without rows have count 0 and NaN.\n"
      "Whole numbers are summed without rounding, their squares as well, so only the results are "
      "rounded; of 64 bits, those beyond 2^53 also in min and max. Memory: 80 bytes per group and "
      "worker.\n"
      "float32 and float64: by differences to a first value (where that is far off, by the "
      "corrected two-pass algorithm), merged as in Chan, Golub, LeVeque, \"Algorithms for "
      "computing the sample variance\", The American Statistician 37, 1983. A NaN makes mean, std, "
      "min and max of its group NaN. Memory: 56 bytes per group and chunk, 64 per group and "
      "worker.\n"
      "A key that is no group's ends the job with an error that names the row.\n"
      "Cost: that of reading the rows from memory, at least 1.5 nanoseconds a row.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("rows", "N x any shape, whole numbers, float32 or float64", kernel::kNumbers,
                    kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("keys", "N whole numbers from 0 to groups - 1: one per row",
                             kernel::kIntegers, kernel::rank(1))};
  static constexpr gm_param_decl kParams[] = {
      kernel::required_param<std::int64_t>("groups", "how many, up to 1073741824"),
      kernel::param<std::int64_t>("value", "the element of each row that is its value, from 0",
                                  "0"),
      kernel::param<std::int64_t>(
          "key", "the element of each row that is its key; -1: input keys has them", "-1"),
      kernel::param<std::int64_t>(
          "ddof", "subtracted from the count in std: 1 for the deviation of a sample", "0"),
      kernel::param<double>("threshold", "what values have to reach to count in share", "0")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("count", "int64 per group: rows"),
      kernel::output("mean", "float64 per group"),
      kernel::output("std", "float64 per group"),
      kernel::output("min", "float64 per group"),
      kernel::output("max", "float64 per group"),
      kernel::output("share", "float64 per group: from 0 to 1")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit GroupStats(const kernel::Request& request);
  void run(const kernel::Chunk& chunk);
  void merge(const kernel::Merge& merge) const;
  void finish(const kernel::Finish& finish) const;

 private:
  // Elements of one dtype, `stride` apart.
  struct Column {
    const std::byte* data;
    gm_dtype dtype;
    std::int64_t stride;

    const std::byte* at(std::int64_t row) const {
      return data + row * stride * kernel::dtype_bytes(dtype);
    }
  };
  static Column column_of(const kernel::Input& input, std::int64_t column);
  static Column keys_of(const kernel::Request& request);

  std::int64_t add_rows(std::int64_t begin, std::int64_t end, const kernel::Chunk& chunk);
  [[noreturn]] void refuse_key(std::int64_t row) const;

  const GroupingLoops* loops_;
  std::int64_t groups_;
  Column values_;
  Column keys_;
  bool separate_keys_;
  std::int64_t ddof_;
  double threshold_;
  std::vector<std::uint32_t> read_keys_;
  std::vector<ShiftedGroup> shifted_;
};

}  // namespace gristmill::kernels
