#pragma once

#include <string>
#include <string_view>

namespace gristmill::engine {

// Text that came from outside, fit for a message: control characters and bytes that are not ASCII
// become "?", and what is longer than 80 characters is cut.
std::string printable(std::string_view text);

}  // namespace gristmill::engine
