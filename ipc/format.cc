#include <gristmill/format.h>

#include <fmt/core.h>

#include <array>

namespace gristmill {

std::string format_size(std::int64_t size_bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  // Above this, one decimal would be rounded to 1024.0.
  constexpr double kNextUnit = 1023.95;

  if (size_bytes == 1) return "1 byte";
  if (size_bytes < 1024) return fmt::format("{} bytes", size_bytes);
  double value = static_cast<double>(size_bytes) / 1024;
  std::size_t unit = 0;
  while (value >= kNextUnit && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_count(std::int64_t count) {
  std::string text = fmt::format("{}", count);
  const std::size_t first_digit = count < 0 ? 1 : 0;
  for (std::size_t end = text.size(); end > first_digit + 3; end -= 3) text.insert(end - 3, 1, ',');
  return text;
}

}  // namespace gristmill
