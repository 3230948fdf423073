#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// Calls a function of a shared object, see gm_loop_function, with the rows of each chunk.
class Loop {
 public:
  static constexpr const char* kName = "loop";
  static constexpr const char* kSummary = "rows that a function of a shared object writes";
  static constexpr const char* kDescription =
      "Calls a compiled function of a shared object, of any language with C functions:\n"
      "int32_t f(void** data, const int64_t* dims, const int64_t* strides, void* user)\n"
      "data has the first row of each array in the chunk, inputs in their order and then the "
      "output, whose rows are zeros before; dims[0] is how many rows there are, dims[1 + k] the "
      "elements of a row of array k, strides[k] the bytes from one of its rows to the next; user "
      "is NULL. It returns 0, or a number that fails the chunk.\n"
      "The inputs are mapped read-only. What the function computes for a row should not depend on "
      "the chunk that the row is in.\n"
      "Cost: that of the function.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("a", "N x any shape, any dtype", kernel::kAnyDtype,
                    kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("b", "the same, with as many rows", kernel::kAnyDtype,
                             kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("c", "the same", kernel::kAnyDtype, kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("d", "the same", kernel::kAnyDtype, kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("e", "the same", kernel::kAnyDtype, kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("f", "the same", kernel::kAnyDtype, kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("g", "the same", kernel::kAnyDtype, kernel::ranks(1, GM_MAX_RANK)),
      kernel::optional_input("h", "the same", kernel::kAnyDtype, kernel::ranks(1, GM_MAX_RANK))};
  static constexpr gm_param_decl kParams[] = {
      kernel::required_param<std::string_view>("library", "absolute path of the shared object"),
      kernel::required_param<std::string_view>("symbol", "name of the function that it exports"),
      kernel::param<std::string_view>("dtype", "element type of the output", "float64"),
      kernel::param<std::span<const double>>(
          "row", "lengths of a row of the output along each axis; none: an element", "")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("result", "N x row, of the dtype: what the function wrote")};

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Loop(const kernel::Request& request);
  void run(const kernel::Chunk& chunk) const;

 private:
  struct Rows {
    const std::byte* data;
    std::int64_t elements;  // of one row
    std::int64_t bytes;
  };

  std::string name_;
  gm_loop_function function_;
  std::vector<Rows> inputs_;
  std::int64_t output_element_bytes_;
};

}  // namespace gristmill::kernels
