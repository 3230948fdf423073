#pragma once

#include <cstddef>
#include <string_view>

namespace gristmill::cli {

// What a TOML text has outside of its strings and comments. Of text that is not TOML it says
// something up to the first mistake.
struct TomlSurface {
  std::size_t key_dots = 0;  // the most in one key, like 2 in [a.b.c]; one in a number counts too
  std::size_t non_ascii_line = 0;  // the first with such a character; 0: there is none
};

TomlSurface toml_surface(std::string_view text);

}  // namespace gristmill::cli
