#pragma once

#include <span>
#include <string_view>

namespace gristmill::cli {

// A file of cli/new_kernel. In both texts @NAME@ stands for the kernel's name.
struct KernelTemplate {
  std::string_view path;  // in the folder of the project
  std::string_view content;
};

// Made of the files by CMake.
std::span<const KernelTemplate> kernel_templates();

}  // namespace gristmill::cli
