#include "engine/process_state.h"

#include <fstream>
#include <string>

#include "engine/cgroup.h"

namespace gristmill::engine {
namespace {

// The number behind a word, in files of "word number" lines.
std::optional<std::int64_t> number_after(const std::filesystem::path& path,
                                         const std::string& word) {
  std::ifstream file(path);
  for (std::string key; file >> key;) {
    std::int64_t number = 0;
    if (key == word && file >> number) return number;
    file.ignore(INT32_MAX, '\n');
  }
  return std::nullopt;
}

std::filesystem::path of_process(pid_t pid, const char* file) {
  return std::filesystem::path("/proc") / std::to_string(pid) / file;
}

}  // namespace

ProcessState state_of_process(pid_t pid) {
  std::ifstream file(of_process(pid, "stat"));
  std::string line;
  std::getline(file, line);
  // The name, in parentheses, may have any character in it.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return ProcessState::kRunning;
  switch (line[name_end + 2]) {
    case 'T':
    case 't':
      return ProcessState::kStopped;
    case 'D':
      return ProcessState::kUninterruptible;
    default:
      return ProcessState::kRunning;
  }
}

std::string state_in_words(pid_t pid) {
  std::string state = "in an unknown state";
  std::ifstream status(of_process(pid, "status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:\t")) state = "in state " + line.substr(7);
  }
  std::string function;
  std::ifstream(of_process(pid, "wchan")) >> function;
  // "0" is what it says of a process that runs, and to those who may not know.
  if (!function.empty() && function != "0") state += ", in " + function;
  return state;
}

std::int64_t anonymous_bytes(pid_t pid) {
  return number_after(of_process(pid, "status"), "RssAnon:").value_or(0) * 1024;
}

std::optional<std::int64_t> out_of_memory_kills(const std::filesystem::path& root) {
  for (const std::filesystem::path& folder : cgroup_folders("memory", root)) {
    for (const char* file : {"memory.events", "memory.oom_control"}) {
      if (const auto kills = number_after(folder / file, "oom_kill")) return kills;
    }
  }
  return std::nullopt;
}

}  // namespace gristmill::engine
