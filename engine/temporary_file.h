#pragma once

#include <filesystem>
#include <string>

#include "ipc/unique_fd.h"

namespace gristmill::engine {

// A new file that gets its final name when it is whole. Until then it has none, and nothing is left
// of it whatever ends this process; where the file system knows no such files, it is
// ".NAME.gristmill-XXXXXX" beside the final name, which a process that is killed leaves behind.
// Owns: the descriptor, open for reading and writing, and the temporary name: the destructor
// removes it.
class TemporaryFile {
 public:
  // Mode 0666 less the umask. Errors: kInvalid when the folder cannot be used, kResources.
  explicit TemporaryFile(std::filesystem::path final_path);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  int fd() const { return fd_.get(); }
  const std::filesystem::path& final_path() const { return final_path_; }

  // Gives it the final name, whole and at once. What is there is replaced, a symbolic link instead
  // of the file it leads to; with replace_existing false it is left alone.
  // Errors: kFailed, also when there is something and must not be replaced.
  void publish(bool replace_existing);

 private:
  bool create_without_a_name();
  void create_beside();
  int link_as(const std::string& name);
  int link_or_replace(bool replace_existing);
  int rename(bool replace_existing);
  int rename_without_replacing();

  std::filesystem::path final_path_;
  std::string final_name_;
  std::string temporary_name_;  // empty: it has none
  bool published_ = false;
  ipc::UniqueFd folder_;
  ipc::UniqueFd fd_;
};

}  // namespace gristmill::engine
