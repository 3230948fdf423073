#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/error.h>

// Finding what users name among what a kernel declares.
namespace gristmill::engine {

template <class Declarations>
std::vector<std::string> names_of(const Declarations& declarations) {
  std::vector<std::string> names;
  for (const auto& declaration : declarations) names.push_back(declaration.name);
  return names;
}

// Errors: kInvalid, with the nearest known name.
inline std::size_t index_of(std::string_view kind, const std::string& name,
                            const std::vector<std::string>& known) {
  const auto found = std::find(known.begin(), known.end(), name);
  if (found == known.end()) throw unknown_name(kind, name, known);
  return static_cast<std::size_t>(found - known.begin());
}

// "a, b, c".
inline std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

inline Error invalid(std::string message, std::string hint = {}) {
  return Error(ErrorCode::kInvalid, {std::move(message), {}, std::move(hint)});
}

}  // namespace gristmill::engine
