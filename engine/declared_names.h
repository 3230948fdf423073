#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
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

// As unknown_name, for what a kernel does not declare.
inline Error unknown_of(const std::string& kernel, std::string_view kind, const std::string& name,
                        const std::vector<std::string>& known) {
  ErrorText text = unknown_name(kind, name, known).text();
  text.message = "kernel \"" + kernel + "\": " + text.message;
  return Error(ErrorCode::kInvalid, std::move(text));
}

// Errors: kInvalid, with the kernel and the nearest known name.
inline std::size_t index_of(const std::string& kernel, std::string_view kind,
                            const std::string& name, const std::vector<std::string>& known) {
  const auto found = std::find(known.begin(), known.end(), name);
  if (found == known.end()) throw unknown_of(kernel, kind, name, known);
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
