#pragma once

#include <sys/stat.h>

namespace gristmill::engine {

// Which file it is, whatever its names.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;

  explicit FileId(const struct stat& status) : device(status.st_dev), inode(status.st_ino) {}
  bool operator==(const FileId&) const = default;
};

}  // namespace gristmill::engine
