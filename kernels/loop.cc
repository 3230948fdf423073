#include "kernels/loop.h"

#include <array>
#include <cmath>

#include "kernels/loop_library.h"

namespace gristmill::kernels {
namespace {

constexpr std::size_t kMostInputs = std::size(Loop::kInputs);
// Beyond it a double does not tell neighbouring whole numbers apart.
constexpr double kLongestAxis = 9007199254740992.0;

gm_dtype output_dtype(const kernel::Request& request) {
  const auto name = request.param<std::string_view>("dtype");
  std::string known;
  for (gm_dtype dtype = GM_BOOL; dtype <= GM_COMPLEX128; ++dtype) {
    if (name == kernel::dtype_name(dtype)) return dtype;
    known += (known.empty() ? "" : ", ") + std::string(kernel::dtype_name(dtype));
  }
  throw kernel::Invalid("unknown dtype \"" + std::string(name) + "\"", "Known are " + known + ".");
}

std::vector<std::int64_t> output_row(const kernel::Request& request) {
  const auto lengths = request.param<std::span<const double>>("row");
  if (lengths.size() >= GM_MAX_RANK) {
    throw kernel::Invalid("parameter \"row\" has " + std::to_string(lengths.size()) +
                          " lengths: 7 are possible");
  }
  std::vector<std::int64_t> row;
  for (const double length : lengths) {
    if (!(length >= 0 && length <= kLongestAxis && std::trunc(length) == length)) {
      throw kernel::Invalid(
          "parameter \"row\" has " + std::to_string(length) + ", which is the length of no axis",
          "Lengths are whole numbers from 0 on.");
    }
    row.push_back(static_cast<std::int64_t>(length));
  }
  return row;
}

}  // namespace

void Loop::plan(const kernel::Request& request, kernel::Plan& plan) {
  const kernel::Input first = request.input("a");
  for (std::size_t i = 1; i < kMostInputs; ++i) {
    const kernel::Input input = request.input(i);
    if (input.given()) input.require_rows_of(first);
  }
  plan.rows_of("a").output("result", output_dtype(request), output_row(request));
  // Here already, so that nothing is started for a function that cannot be called.
  loop_function(std::string(request.param<std::string_view>("library")),
                std::string(request.param<std::string_view>("symbol")));
}

Loop::Loop(const kernel::Request& request) {
  const std::string library(request.param<std::string_view>("library"));
  const std::string symbol(request.param<std::string_view>("symbol"));
  function_ = loop_function(library, symbol);
  name_ = "\"" + symbol + "\" of \"" + library + "\"";
  for (std::size_t i = 0; i < kMostInputs; ++i) {
    const kernel::Input input = request.input(i);
    if (!input.given()) continue;
    const std::int64_t elements = input.columns();
    inputs_.push_back({static_cast<const std::byte*>(input.data()), elements,
                       elements * kernel::dtype_bytes(input.dtype())});
  }
  output_element_bytes_ = kernel::dtype_bytes(output_dtype(request));
}

void Loop::run(const kernel::Chunk& chunk) const {
  // Made for each call: a function that writes to them changes nothing for the next one.
  std::array<void*, kMostInputs + 1> data{};
  std::array<std::int64_t, kMostInputs + 2> dims{chunk.size()};
  std::array<std::int64_t, kMostInputs + 1> strides{};
  std::size_t k = 0;
  const auto add = [&](const void* first_row, const Rows& rows) {
    data[k] = const_cast<void*>(first_row);
    strides[k] = rows.bytes;
    dims[++k] = rows.elements;
  };
  for (const Rows& input : inputs_) add(input.data + chunk.begin() * input.bytes, input);
  const std::span<std::byte> output = chunk.output_bytes("result");
  const std::int64_t row_bytes = static_cast<std::int64_t>(output.size()) / chunk.size();
  add(output.data(), {nullptr, row_bytes / output_element_bytes_, row_bytes});
  const std::int32_t answer = function_(data.data(), dims.data(), strides.data(), nullptr);
  if (answer == 0) return;
  throw kernel::Failed("loop function " + name_ + " returned " + std::to_string(answer),
                       "It returns 0 for success; what other numbers mean, it decides.");
}

}  // namespace gristmill::kernels
