#include "cli/new_kernel_command.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <gristmill/engine.h>

#include "cli/kernel_project.h"

namespace gristmill::cli {
namespace {

// As the shell takes it for one word.
std::string word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (text.find_first_not_of(kPlain) == std::string::npos) {
    return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return quoted + "'";
}

// Where this program's CMake package and headers lie: the prefix of an installation, or a build
// tree. Empty if they do not.
std::filesystem::path find_prefix() {
  std::error_code ignored;
  const std::filesystem::path prefix =
      std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
  const std::filesystem::path package = prefix / GRISTMILL_PACKAGE_FOLDER / "gristmillConfig.cmake";
  return std::filesystem::exists(package, ignored) ? prefix : std::filesystem::path();
}

std::string next_commands(const NewKernelArguments& arguments, const std::filesystem::path& folder,
                          const std::filesystem::path& prefix) {
  const std::string& name = arguments.name;
  const auto in_project = [&](const std::string& file) { return word((folder / file).string()); };
  const std::string package =
      prefix.empty() ? "" : " " + word("-DCMAKE_PREFIX_PATH=" + prefix.string());
  const std::string headers =
      prefix.empty() ? "" : " " + word("-I" + (prefix / GRISTMILL_INCLUDE_FOLDER).string());
  return fmt::format(
      R"(build:  cmake -G Ninja -S {0} -B {1}{2} && cmake --build {1}
test:   ctest --test-dir {1} --output-on-failure
        (fails after an edit: it says how to take the new result for right)
run:    {3} run {4} --plugin {5} --input FILE.npy --output {4}.npy

or without CMake:
        g++ -std=c++20 -O2 -fPIC -shared -fvisibility=hidden{6} {7} -o {4}.so
)",
      word(folder.string()), in_project("build"), package, word(arguments.program), name,
      in_project("build/" + name + ".so"), headers, in_project(name + ".cc"));
}

// Of one name the first is taken, and plug-ins come first.
std::string hiding_text(const std::string& name) {
  try {
    for (const KernelInfo& kernel : Engine({.workers = 1}).kernels()) {
      if (kernel.name == name) {
        return fmt::format("\nnote:   it hides the built-in kernel \"{}\" where it is loaded\n",
                           name);
      }
    }
  } catch (const Error&) {
    // Without its worker program nothing is known of built-in kernels; the project is made.
  }
  return "";
}

}  // namespace

void new_kernel(const NewKernelArguments& arguments) {
  check_kernel_name(arguments.name);
  const std::filesystem::path folder =
      (std::filesystem::path(arguments.folder) / arguments.name).lexically_normal();
  write_kernel_project(folder, arguments.name);
  const std::string text =
      fmt::format("made {}/: edit the marked line of {}, then\n\n", folder.string(),
                  (folder / (arguments.name + ".cc")).string()) +
      next_commands(arguments, folder, find_prefix()) + hiding_text(arguments.name);
  std::fputs(text.c_str(), stdout);
}

}  // namespace gristmill::cli
