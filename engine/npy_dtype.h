#pragma once

#include <string_view>

#include <gristmill/array.h>

namespace gristmill::engine {

// The dtype that NumPy writes as "<f8" or "|b1".
// Errors: kInvalid with the reason alone and a hint: big-endian, objects, strings, dates, extended
// precision, raw bytes, anything unknown.
DType parse_npy_dtype(std::string_view descr);

// The reverse.
std::string_view npy_dtype(DType dtype);

}  // namespace gristmill::engine
