#pragma once

#include <filesystem>
#include <string>

#include "ipc/unique_fd.h"

namespace gristmill::engine {

// A new file under a temporary name, ".NAME.gristmill-XXXXXX" beside its final one, so that the
// final name never shows a part of it. Owns: the descriptor, open for reading and writing, and the
// temporary name: the destructor removes it. A process that is killed leaves it behind.
class TemporaryFile {
 public:
  // Mode 0666 less the umask. Errors: kInvalid when the folder cannot be used, kResources.
  explicit TemporaryFile(std::filesystem::path final_path);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  int fd() const { return fd_.get(); }
  const std::filesystem::path& final_path() const { return final_path_; }

  // Renames it to the final name, whole and at once. What is there is replaced, a symbolic link
  // instead of the file it leads to; with replace_existing false it is left alone.
  // Errors: kFailed, also when there is something and must not be replaced.
  void publish(bool replace_existing);

 private:
  void create();
  int rename_without_replacing();

  std::filesystem::path final_path_;
  std::string final_name_;
  std::string temporary_name_;  // empty once published
  ipc::UniqueFd folder_;
  ipc::UniqueFd fd_;
};

}  // namespace gristmill::engine
