#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace gristmill::test {

// A control group of the test's own, below this process's or, where that is not allowed, below one
// of its ancestors.
// Lifetime: the destructor thaws it, moves whoever is in it to the group above, and removes it.
class ControlGroup {
 public:
  // Null, and why_not says the reason, unless the system lets this process make one that has that
  // file. controller: "memory", "freezer".
  static std::unique_ptr<ControlGroup> create(const std::string& controller,
                                              const std::string& file, std::string& why_not);
  ~ControlGroup();
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  // False if the system refuses it.
  bool write(const std::string& file, const std::string& text) const;
  bool add(pid_t process) const { return write("cgroup.procs", std::to_string(process)); }

 private:
  explicit ControlGroup(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_;
};

}  // namespace gristmill::test
