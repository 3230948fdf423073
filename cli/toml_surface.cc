#include "cli/toml_surface.h"

#include <algorithm>

namespace gristmill::cli {
namespace {

// Behind the string that begins with the quote at `begin`.
std::size_t string_end(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  const std::string_view all = text.substr(begin);
  const bool multiline = all.size() >= 3 && all[1] == quote && all[2] == quote;
  const std::string_view closing = all.substr(0, multiline ? 3 : 1);
  for (std::size_t i = closing.size(); i < all.size(); ++i) {
    if (all.substr(i, closing.size()) == closing) return begin + i + closing.size();
    if (all[i] == '\n' && !multiline) return begin + i;
    if (all[i] == '\\' && quote == '"') ++i;
  }
  return text.size();
}

}  // namespace

TomlSurface toml_surface(std::string_view text) {
  constexpr std::string_view kEndsOfKeys = "=,[]{}\n";
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  TomlSurface surface;
  std::size_t dots = 0;
  for (std::size_t i = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
       i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      i = string_end(text, i);
      continue;
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (c == '.') surface.key_dots = std::max(surface.key_dots, ++dots);
    if (kEndsOfKeys.find(c) != std::string_view::npos) dots = 0;
    if (static_cast<unsigned char>(c) >= 0x80 && surface.non_ascii_line == 0) {
      const std::string_view before = text.substr(0, i);
      surface.non_ascii_line =
          1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    }
    ++i;
  }
  return surface;
}

}  // namespace gristmill::cli
