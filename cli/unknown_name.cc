#include "cli/unknown_name.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <fmt/format.h>

namespace gristmill::cli {
namespace {

// Levenshtein's distance.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t substituted = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
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
