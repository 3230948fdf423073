#pragma once

#include <cstddef>

#include <gristmill/kernel.hpp>

#include "kernels/condition.h"

namespace gristmill::kernels {

// The rows that fulfil a condition.
class Select {
 public:
  static constexpr const char* kName = "select";
  static constexpr const char* kSummary = "rows whose value in a column fulfils a condition";
  static constexpr const char* kDescription =
      "Keeps the rows that fulfil a condition on one column, in their order. where is a comparison "
      "(<, <=, >, >=, ==, !=) with a number, \"is nan\" or \"is not nan\", or several of them "
      "joined "
      "by \"and\". Numbers are compared by their exact values, also where a whole number of 64 "
      "bits "
      "meets a fraction. A NaN fulfils \"!=\" and \"is nan\" alone.\n"
      "In memory the result lies in parts, where the workers wrote it; a file has it in one.\n"
      "Cost: that of reading the column from memory, and of copying the rows that are kept.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("rows", "N x any shape, whole numbers, float32 or float64", kernel::kNumbers,
                    kernel::ranks(1, GM_MAX_RANK))};
  static constexpr gm_param_decl kParams[] = {
      kernel::required_param<std::string_view>("where",
                                               "the condition, as \">= 15\" or "
                                               "\"> 0 and <= 60\""),
      kernel::param<std::int64_t>("column", "the element of each row that it is about, from 0",
                                  "0")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("rows", "the rows that fulfil it, shaped and typed as they are"),
      kernel::output("index", "int64: their numbers in the input")};
  static constexpr gm_pattern kPattern = GM_EMIT;
  static constexpr std::uint32_t kFlags = GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Select(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;

 private:
  Condition condition_;
  Column column_;
  const std::byte* rows_;
  std::size_t row_bytes_;
};

// Copies these rows, counted from the first one, behind each other.
void copy_rows(const std::byte* first, std::size_t row_bytes, const std::uint32_t* chosen,
               std::int64_t count, std::byte* to);

}  // namespace gristmill::kernels
