#include "cli/kernel_project.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include <gristmill/error.h>

#include "cli/kernel_templates.h"

namespace gristmill::cli {
namespace {

// Names that CMake keeps for targets of its own.
constexpr std::string_view kTargets[] = {"all",
                                         "clean",
                                         "depend",
                                         "edit_cache",
                                         "help",
                                         "install",
                                         "list_install_components",
                                         "package",
                                         "package_source",
                                         "preinstall",
                                         "rebuild_cache",
                                         "test"};

[[noreturn]] void throw_not_written(const std::filesystem::path& path, int error_number) {
  const bool resources = error_number == ENOSPC || error_number == EDQUOT ||
                         error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
  std::string reason = std::generic_category().message(error_number);
  reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  throw Error(resources ? ErrorCode::kResources : ErrorCode::kInvalid,
              {fmt::format("could not create \"{}\": {}", path.string(), reason), "",
               error_number == EEXIST ? "Choose another name, or another --folder." : ""});
}

std::string with_name(std::string_view text, std::string_view name) {
  constexpr std::string_view kPlaceholder = "@NAME@";
  std::string result(text);
  for (std::size_t at = 0; (at = result.find(kPlaceholder, at)) != std::string::npos;
       at += name.size()) {
    result.replace(at, kPlaceholder.size(), name);
  }
  return result;
}

void create_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::create_directory(folder, error)) {
    throw_not_written(folder, error ? error.value() : EEXIST);
  }
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (file == nullptr) {
    throw_not_written(path, errno);
  }
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  const int write_error = errno;
  // The last bytes are written here.
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed) {
    throw_not_written(path, written ? errno : write_error);
  }
}

}  // namespace

void check_kernel_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.empty() || is_digit(name[0]) ||
      !std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); })) {
    throw Error(ErrorCode::kInvalid,
                {fmt::format("invalid kernel name \"{}\": not a lower-case identifier", name), "",
                 "Use a to z, 0 to 9 and _, and no digit first, as in solar_time."});
  }
  if (std::find(std::begin(kTargets), std::end(kTargets), name) != std::end(kTargets)) {
    throw Error(ErrorCode::kInvalid,
                {fmt::format("invalid kernel name \"{}\": CMake has a target of that name", name),
                 "", fmt::format("Choose another one, as my_{}.", name)});
  }
}

void write_kernel_project(const std::filesystem::path& folder, std::string_view name) {
  create_folder(folder);
  try {
    for (const KernelTemplate& file : kernel_templates()) {
      const std::filesystem::path path = folder / with_name(file.path, name);
      if (!std::filesystem::exists(path.parent_path())) {
        create_folder(path.parent_path());
      }
      write_file(path, with_name(file.content, name));
    }
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    throw;
  }
}

}  // namespace gristmill::cli
