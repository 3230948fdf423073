#pragma once

#include <string>
#include <string_view>

namespace gristmill::cli {

// The help of a command, "run"; of the program if it is empty. Ends with a line feed.
std::string help_text(std::string_view command);

}  // namespace gristmill::cli
