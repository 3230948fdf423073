#include "tests/support/process_table.h"

#include <dirent.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

namespace gristmill::test {
namespace {

struct Status {
  char state = 0;
  pid_t parent = 0;
  unsigned long long started = 0;  // in ticks
};

std::optional<Status> status_of(const std::string& pid) {
  const std::string text = text_of("/proc/" + pid + "/stat");
  // The name in parentheses may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  Status status;
  const int read = std::sscanf(text.c_str() + name_end + 1,
                               " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                               "%*d %*d %*d %llu",
                               &status.state, &status.parent, &status.started);
  return read == 3 ? std::optional(status) : std::nullopt;
}

}  // namespace

std::vector<pid_t> child_processes(pid_t parent) {
  std::vector<std::pair<unsigned long long, pid_t>> children;
  for (const std::string& name : entries_of("/proc")) {
    if (name[0] < '0' || name[0] > '9') continue;
    const std::optional<Status> status = status_of(name);
    if (status && status->parent == parent) {
      children.emplace_back(status->started, std::stoi(name));
    }
  }
  std::sort(children.begin(), children.end());
  std::vector<pid_t> pids;
  for (const auto& [started, pid] : children) pids.push_back(pid);
  return pids;
}

bool signal_child(pid_t child, int signal) {
  // By descriptor, and looked at again: the number may be somebody else's by now.
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pidfd < 0) return false;
  const std::optional<Status> status = status_of(std::to_string(child));
  const bool sent = status && status->parent == getpid() &&
                    syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
  close(pidfd);
  return sent;
}

char process_state(pid_t pid) {
  const std::optional<Status> status = status_of(std::to_string(pid));
  return status ? status->state : '\0';
}

std::vector<std::string> entries_of(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(folder.c_str()), &closedir);
  if (!directory) return names;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // Ends quietly when a process vanishes while its file is read.
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace gristmill::test
