#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <gristmill/array.h>

namespace gristmill::ipc {

// The bytes of one element, what is behind its size zero.
using ElementBytes = std::array<std::byte, 16>;

// What stands in the rows of a chunk that could not be computed. No value: NaN for floating point
// and complex numbers, else 0. None if the dtype does not have that number exactly; floating point
// rounds it.
std::optional<ElementBytes> fill_element(DType dtype, std::optional<double> value);

}  // namespace gristmill::ipc
