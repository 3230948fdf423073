#include "tests/support/control_group.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <system_error>
#include <thread>

#include "engine/cgroup.h"
#include "tests/support/process_table.h"

namespace gristmill::test {
namespace {

namespace fs = std::filesystem;

// In one call, and at once: what these files are told is told by a write.
bool write_to(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return written;
}

}  // namespace

std::unique_ptr<ControlGroup> ControlGroup::create(const std::string& controller,
                                                   const std::string& file, std::string& why_not) {
  why_not = "there is no control group of the controller \"" + controller + "\" to be seen";
  const std::string name = "gristmill-test-" + std::to_string(getpid());
  for (const fs::path& above : engine::cgroup_folders(controller, "/")) {
    std::error_code error;
    if (!fs::create_directory(above / name, error)) {
      why_not = "no control group can be made in \"" + above.string() + "\": " + error.message();
      continue;
    }
    std::unique_ptr<ControlGroup> group(new ControlGroup(above / name));
    if (access((group->folder() / file).c_str(), W_OK) == 0) return group;
    why_not = "control groups in \"" + above.string() + "\" have no file \"" + file +
              "\" that can be written";
  }
  return nullptr;
}

ControlGroup::~ControlGroup() {
  write("freezer.state", "THAWED");
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::error_code error;
  // Whoever ends is in it for a moment longer.
  while (!fs::remove(folder_, error) && std::chrono::steady_clock::now() < limit) {
    std::istringstream members(text_of((folder_ / "cgroup.procs").string()));
    for (std::string pid; members >> pid;) {
      write_to(folder_.parent_path() / "cgroup.procs", pid);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

bool ControlGroup::write(const std::string& file, const std::string& text) const {
  return write_to(folder_ / file, text);
}

}  // namespace gristmill::test
