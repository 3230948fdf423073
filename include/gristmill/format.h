#pragma once

#include <cstdint>
#include <string>

namespace gristmill {

// "512 bytes", "64.0 KiB", "2.1 GiB": how messages and summaries write sizes.
std::string format_size(std::int64_t size_bytes);

// "171,075"
std::string format_count(std::int64_t count);

}  // namespace gristmill
