#pragma once

#include <string>
#include <string_view>

#include <gristmill/error.h>

namespace gristmill::engine {

// Text that came from outside, fit for a message: control characters and bytes that are not ASCII
// become "?", and what is longer than 80 characters is cut.
std::string printable(std::string_view text);

// Text that a worker wrote: control characters, which a terminal would obey, become spaces, and
// each byte that is no UTF-8 the replacement character.
std::string without_control_characters(std::string text);
ErrorText without_control_characters(ErrorText text);

}  // namespace gristmill::engine
