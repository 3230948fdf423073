#include "cli/inspect_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include <gristmill/dataset.h>
#include <gristmill/format.h>

#include "cli/array_text.h"
#include "cli/input_argument.h"

namespace gristmill::cli {
namespace {

constexpr std::int64_t kShownRows = 5;

std::string values_text(const ArrayView& array) {
  std::string text;
  const std::int64_t rows = array.elements() == 0 ? 0 : array.rows();
  for (std::int64_t row = 0; row < std::min(rows, kShownRows); ++row) {
    text += fmt::format("{:<7} {}\n", row == 0 ? "values" : "", row_text(array, row));
  }
  return text + (rows > kShownRows ? fmt::format("{:<7} ...\n", "") : "");
}

}  // namespace

void inspect_file(const InspectArguments& arguments) {
  const InputArgument input = parse_file(arguments.file);
  const Dataset dataset = open_input(input);
  const std::string text =
      fmt::format("file    {}\ndtype   {}\nshape   {}\nsize    {}\n{}", input.path.string(),
                  name_of(dataset.dtype()), to_string(dataset.shape()),
                  format_size(dataset.size_bytes()), values_text(dataset.view()));
  std::fputs(text.c_str(), stdout);
}

}  // namespace gristmill::cli
