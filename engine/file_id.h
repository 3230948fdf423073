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

// What changes when a file is written to.
struct FileVersion {
  off_t size_bytes = 0;
  timespec modified = {};

  explicit FileVersion(const struct stat& status)
      : size_bytes(status.st_size), modified(status.st_mtim) {}
  bool operator==(const FileVersion& other) const {
    return size_bytes == other.size_bytes && modified.tv_sec == other.modified.tv_sec &&
           modified.tv_nsec == other.modified.tv_nsec;
  }
};

}  // namespace gristmill::engine
