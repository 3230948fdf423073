#include "engine/nearest_name.h"

#include <gristmill/error.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "engine/printable.h"

namespace gristmill::engine {
namespace {

constexpr std::size_t kLongestName = 64;

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Optimal string alignment.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) current[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(current);
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
  }
  return current[b.size()];
}

std::string list_names(std::string_view kind, std::span<const std::string> known) {
  if (known.empty()) return fmt::format("There is no {} here.", kind);
  constexpr std::size_t kListed = 20;
  const auto listed = known.first(std::min(known.size(), kListed));
  return fmt::format("Known: {}{}.", fmt::join(listed, ", "),
                     known.size() > kListed ? ", ..." : "");
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view given,
                                        std::span<const std::string> known) {
  if (given.empty() || given.size() > kLongestName) return std::nullopt;
  const std::string wanted = lower_case(given);
  // One slip in a short name, three in a long one.
  std::size_t nearest_distance = std::clamp<std::size_t>(given.size() / 3, 1, 3) + 1;
  std::optional<std::string> nearest;
  for (const std::string& name : known) {
    const std::size_t distance = edit_distance(wanted, lower_case(name));
    // Not when every letter would have to change.
    if (distance >= nearest_distance || distance >= std::max(name.size(), given.size())) continue;
    nearest_distance = distance;
    nearest = name;
  }
  return nearest;
}

}  // namespace gristmill::engine

namespace gristmill {

Error unknown_name(std::string_view kind, std::string_view given,
                   std::span<const std::string> known) {
  std::string message = fmt::format("unknown {} \"{}\"", kind, engine::printable(given));
  if (const auto nearest = engine::nearest_name(given, known)) {
    return {ErrorCode::kInvalid, fmt::format("{}: did you mean \"{}\"?", message, *nearest)};
  }
  return {ErrorCode::kInvalid, ErrorText{std::move(message), {}, engine::list_names(kind, known)}};
}

}  // namespace gristmill
