#include "tests/support/leak_oracle.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <sstream>
#include <thread>

#include "tests/support/process_table.h"

namespace gristmill::test {
namespace {

// A joined thread stays in /proc for a moment.
constexpr std::chrono::seconds kSettlingTime{5};

std::vector<std::string> open_descriptors() {
  std::vector<std::string> all;
  for (const std::string& fd : entries_of("/proc/self/fd")) {
    char target[4096];
    const ssize_t size = readlink(("/proc/self/fd/" + fd).c_str(), target, sizeof target);
    // Not there: the one that read the folder.
    if (size < 0) continue;
    all.push_back(fd + " -> " + std::string(target, static_cast<std::size_t>(size)));
  }
  return all;
}

std::vector<std::string> shared_memory_mappings() {
  std::vector<std::string> all;
  std::istringstream maps(text_of("/proc/self/maps"));
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:") != std::string::npos || line.find("/dev/shm/") != std::string::npos) {
      all.push_back(line);
    }
  }
  return all;
}

std::vector<std::string> shared_memory_names() {
  std::vector<std::string> all;
  for (const std::string& name : entries_of("/dev/shm")) {
    if (name.find("gristmill") != std::string::npos) all.push_back(name);
  }
  return all;
}

std::vector<std::string> child_names() {
  std::vector<std::string> all;
  for (const pid_t pid : child_processes()) all.push_back(std::to_string(pid));
  return all;
}

std::vector<std::string> sorted(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::string difference(const std::string& what, const std::vector<std::string>& before,
                       const std::vector<std::string>& after) {
  std::vector<std::string> left;
  std::vector<std::string> lost;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(left));
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(lost));
  std::string text;
  for (const std::string& one : left) text += "left behind: " + what + " " + one + "\n";
  for (const std::string& one : lost) text += "lost: " + what + " " + one + "\n";
  return text;
}

}  // namespace

Belongings Belongings::now() {
  return {sorted(open_descriptors()), sorted(entries_of("/proc/self/task")), sorted(child_names()),
          sorted(shared_memory_mappings()), sorted(shared_memory_names())};
}

std::string Belongings::compare(const Belongings& before, const Belongings& after) {
  return difference("descriptor", before.descriptors, after.descriptors) +
         difference("thread", before.threads, after.threads) +
         difference("child process", before.children, after.children) +
         difference("mapping", before.mappings, after.mappings) +
         difference("/dev/shm name", before.shared_names, after.shared_names);
}

void LeakOracle::OnTestStart(const testing::TestInfo&) { before_ = Belongings::now(); }

void LeakOracle::OnTestEnd(const testing::TestInfo&) {
  const auto limit = std::chrono::steady_clock::now() + kSettlingTime;
  std::string differences = Belongings::compare(before_, Belongings::now());
  while (!differences.empty() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    differences = Belongings::compare(before_, Belongings::now());
  }
  if (!differences.empty()) ADD_FAILURE() << differences;
}

}  // namespace gristmill::test
