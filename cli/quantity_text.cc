#include "cli/quantity_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <gristmill/format.h>

namespace gristmill::cli {

std::string count_text(std::int64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", format_count(count), singular, count == 1 ? "" : "s");
}

std::string duration_text(std::chrono::duration<double> duration) {
  const double seconds = duration.count();
  if (seconds < 0.9995) {
    return fmt::format("{:.1f} ms", seconds * 1000.0);
  }
  if (seconds < 99.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) {
    return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  }
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string rate_text(std::int64_t items, std::chrono::duration<double> duration) {
  const double rate = static_cast<double>(items) / std::max(duration.count(), 1e-9);
  return rate < 100 ? fmt::format("{:.3g} items/s", rate)
                    : fmt::format("{} items/s", format_count(std::llround(rate)));
}

}  // namespace gristmill::cli
