#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace gristmill::engine {

// The text of a small file of /proc or /sys, without a newline at its end; none if it cannot be
// read.
std::optional<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace gristmill::engine
