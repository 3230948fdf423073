#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gristmill::cli {

// The message for a name that is not known, with the known one that was probably meant:
// unknown option "--worker": did you mean "--workers"?
std::string unknown_name(std::string_view kind, std::string_view given,
                         const std::vector<std::string>& known);

}  // namespace gristmill::cli
