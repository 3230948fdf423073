#pragma once

#include <cstdint>
#include <string>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// A parameter that is the number of a column of an input, or -1 for all where that is the least.
// Errors: Invalid, with the number of columns.
inline std::int64_t column_param(const kernel::Request& request, const char* param,
                                 const char* input, std::int64_t least = 0) {
  const auto column = request.param<std::int64_t>(param);
  const std::int64_t columns = request.input(input).columns();
  if (column >= least && column < columns) return column;
  throw kernel::Invalid(std::string("parameter \"") + param + "\" is " + std::to_string(column) +
                            ", input \"" + input + "\" has " + std::to_string(columns) +
                            (columns == 1 ? " column" : " columns"),
                        least < 0 ? "Columns are counted from 0; -1 stands for all of them."
                                  : "Columns are counted from 0.");
}

}  // namespace gristmill::kernels
