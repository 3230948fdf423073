#include "tests/support/gate_folder.h"

#include <filesystem>

#include "tests/support/wait_until.h"

namespace gristmill::test {
namespace {

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

}  // namespace

std::vector<pid_t> GateFolder::workers_at(std::int64_t item) const {
  const std::string start = "at-" + std::to_string(item) + "-";
  std::vector<pid_t> workers;
  for (const std::string& name : names_in(folder_.path())) {
    if (name.starts_with(start)) workers.push_back(std::stoi(name.substr(start.size())));
  }
  return workers;
}

std::size_t GateFolder::announcements() const {
  std::size_t count = 0;
  for (const std::string& name : names_in(folder_.path())) count += name.starts_with("at-") ? 1 : 0;
  return count;
}

pid_t GateFolder::wait_for_worker_at(std::int64_t item) const {
  wait_until([&] { return !workers_at(item).empty(); });
  return workers_at(item).front();
}

}  // namespace gristmill::test
