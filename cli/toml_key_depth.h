#pragma once

#include <cstddef>
#include <string_view>

namespace gristmill::cli {

// The most dots in one key of a TOML text, like 2 in [a.b.c]. Strings and comments are told from
// keys; a dot in a number counts as well. Of text that is not TOML it says something up to the
// first mistake.
std::size_t toml_key_depth(std::string_view text);

}  // namespace gristmill::cli
