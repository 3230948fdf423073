#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <gristmill/array.h>

namespace gristmill::engine {

// Where the elements of a .npy file lie. All of them are inside the file.
struct NpyHeader {
  DType dtype;
  Shape shape;
  std::int64_t data_offset_bytes;
  std::int64_t data_size_bytes;
};

// More than any header that is accepted. NumPy's own reader stops at 10,000.
inline constexpr std::int64_t kMaxNpyHeaderBytes = 64 * 1024;
// Where the data begins in the files that are written here: on a page.
inline constexpr std::int64_t kNpyDataOffsetBytes = 4096;

// Parses the format 1.0, 2.0 and 3.0 (numpy.lib.format). Elements must be bool or numbers,
// little-endian and in C order, and must end where the file ends. Requires: head is the beginning
// of a file of that size, at least kMaxNpyHeaderBytes of it or all. Errors: kInvalid, the message
// being the reason alone; the caller names the file.
NpyHeader parse_npy_header(std::span<const std::byte> head, std::int64_t file_size_bytes);

// The header of format 1.0, kNpyDataOffsetBytes long. Requires: at most kMaxRank axes.
std::string npy_header(DType dtype, const Shape& shape);

}  // namespace gristmill::engine
