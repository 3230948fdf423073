#include "cli/unknown_name.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <fmt/format.h>

namespace gristmill::cli {
namespace {

// Letters added, left out, replaced, or exchanged with their neighbour (optimal string alignment).
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_last(to.size() + 1);
  std::vector<std::size_t> last(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row.back();
}

// Empty if none is near.
std::string nearest_name(std::string_view given, const std::vector<std::string>& known) {
  std::string nearest;
  std::size_t limit = std::clamp<std::size_t>(given.size() / 3, 1, 3) + 1;
  for (const std::string& name : known) {
    const std::size_t distance = edit_distance(given, name);
    if (distance < limit && distance < name.size()) {
      limit = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace

std::string unknown_name(std::string_view kind, std::string_view given,
                         const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(given, known);
  return fmt::format("unknown {} \"{}\"", kind, given) +
         (nearest.empty() ? "" : fmt::format(": did you mean \"{}\"?", nearest));
}

}  // namespace gristmill::cli
