#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace gristmill::engine {

// The folders of this process's control group and of all its ancestors, the own one first, wherever
// a limit on that controller ("cpu", "memory") may be: of version 2, and of version 1.
// root is "/" outside of tests. Folders that do not exist are left out: inside a container the
// group's path may be the host's.
std::vector<std::filesystem::path> cgroup_folders(std::string_view controller,
                                                  const std::filesystem::path& root);

}  // namespace gristmill::engine
