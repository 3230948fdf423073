#include "engine/cgroup.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "engine/text_file.h"

namespace gristmill::engine {
namespace {

namespace fs = std::filesystem;

bool has_controller(std::string_view list, std::string_view controller) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == controller) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// From the group up to the mount point.
void append_with_ancestors(const fs::path& mount, const fs::path& group,
                           std::vector<fs::path>& folders) {
  std::error_code ignored;
  for (fs::path relative = group.relative_path();; relative = relative.parent_path()) {
    const fs::path folder = relative.empty() ? mount : mount / relative;
    if (fs::is_directory(folder, ignored)) folders.push_back(folder);
    if (relative.empty()) return;
  }
}

}  // namespace

std::vector<fs::path> cgroup_folders(std::string_view controller, const fs::path& root) {
  std::vector<fs::path> folders;
  const fs::path mounts = root / "sys/fs/cgroup";
  std::istringstream lines(read_text_file(root / "proc/self/cgroup").value_or(""));
  // "0::/user.slice/a" is version 2, "4:cpu,cpuacct:/a" version 1.
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string_view list = std::string_view(line).substr(first + 1, second - first - 1);
    const fs::path group = fs::path(line.substr(second + 1)).lexically_normal();
    if (list.empty()) {
      std::error_code ignored;
      const fs::path hybrid = mounts / "unified";
      append_with_ancestors(fs::exists(hybrid, ignored) ? hybrid : mounts, group, folders);
    } else if (has_controller(list, controller)) {
      append_with_ancestors(mounts / controller, group, folders);
    }
  }
  return folders;
}

}  // namespace gristmill::engine
