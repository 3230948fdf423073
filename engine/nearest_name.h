#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gristmill::engine {

// The known name that was probably meant: the one with the fewest letters added, left out, replaced
// or exchanged with their neighbour, upper and lower case alike; none if all are far from it.
std::optional<std::string> nearest_name(std::string_view given, std::span<const std::string> known);

}  // namespace gristmill::engine
