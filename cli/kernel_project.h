#pragma once

#include <filesystem>
#include <string_view>

namespace gristmill::cli {

// Errors: kInvalid unless it is a C identifier of lower-case letters that can also name a target of
// CMake.
void check_kernel_name(std::string_view name);

// Writes a project with a kernel of that name into a new folder, all of it or nothing.
// Errors: kInvalid when the folder exists or must not be made; kResources when there is no space.
void write_kernel_project(const std::filesystem::path& folder, std::string_view name);

}  // namespace gristmill::cli
