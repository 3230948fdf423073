#include "engine/output_target.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "ipc/system_error.h"

namespace gristmill::engine {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why, std::string hint = {}) {
  throw Error(ErrorCode::kInvalid,
              {fmt::format("cannot write \"{}\": {}", path.string(), why), {}, std::move(hint)});
}

// A name in a folder, however the folder was written.
struct Target {
  FileId folder;
  std::string name;
  bool operator==(const Target&) const = default;
};

Target check_folder(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name.empty() || name == "." || name == "..") refuse(path, "it names a folder, not a file");
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      refuse(path, fmt::format("there is no folder \"{}\"", folder.string()),
             "Create it first: mkdir -p.");
    }
    refuse(path, fmt::format("its folder \"{}\": {}", folder.string(), ipc::reason_of(errno)));
  }
  if (!S_ISDIR(status.st_mode))
    refuse(path, fmt::format("\"{}\" is not a folder", folder.string()));
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    refuse(path, fmt::format("no file can be made in \"{}\": {}", folder.string(),
                             ipc::reason_of(errno)));
  }
  return {FileId(status), name};
}

void check_existing(const fs::path& path, bool replace_existing, std::span<const FileId> inputs) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    refuse(path, ipc::reason_of(errno));
  }
  const bool dangling_link = stat(path.c_str(), &status) != 0;
  if (!dangling_link) {
    if (S_ISDIR(status.st_mode)) refuse(path, "it is a folder");
    if (!S_ISREG(status.st_mode)) refuse(path, "what is there is not a regular file");
    if (std::find(inputs.begin(), inputs.end(), FileId(status)) != inputs.end()) {
      refuse(path, "it is an input of the same job",
             "Write to another file and rename it afterwards.");
    }
  }
  if (!replace_existing) refuse(path, "it exists, and existing files are not to be replaced");
}

}  // namespace

void check_output_targets(std::span<const Output> outputs, bool replace_existing,
                          std::span<const FileId> inputs) {
  std::vector<Target> targets;
  for (const Output& output : outputs) {
    if (output.path.empty()) continue;
    Target target = check_folder(output.path);
    if (std::find(targets.begin(), targets.end(), target) != targets.end()) {
      refuse(output.path, "two outputs have this path");
    }
    targets.push_back(std::move(target));
    check_existing(output.path, replace_existing, inputs);
  }
}

}  // namespace gristmill::engine
