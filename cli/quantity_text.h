#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace gristmill::cli {

// "1 item", "2,000 items".
std::string count_text(std::int64_t count, std::string_view singular);
// "85.2 ms", "12.4 s", "1 h 02 min".
std::string duration_text(std::chrono::duration<double> duration);
// "0.25 items/s", "80,401 items/s".
std::string rate_text(std::int64_t items, std::chrono::duration<double> duration);

}  // namespace gristmill::cli
