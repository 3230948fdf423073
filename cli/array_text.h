#pragma once

#include <cstdint>
#include <string>

#include <gristmill/array.h>

namespace gristmill::cli {

// One element, row-major index: "30.88297", "true", "1+2i". Floats with as many digits as tell them
// apart. Requires: 0 <= index < array.elements().
std::string element_text(const ArrayView& array, std::int64_t index);

// The first elements in row-major order, "4.5, 0.1, ...". "nothing" if there is none.
std::string elements_text(const ArrayView& array, std::int64_t most);

// The first elements of a row, "[30.88297, -87.77305]"; of a one-axis array a row is its element,
// without brackets. "..." stands for what is left out. Requires: 0 <= row < array.rows().
std::string row_text(const ArrayView& array, std::int64_t row);

}  // namespace gristmill::cli
