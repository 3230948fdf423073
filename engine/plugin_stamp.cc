#include "engine/plugin_stamp.h"

#include <sys/stat.h>

namespace gristmill::engine {

PluginStamp PluginStamp::of(const std::string& path) {
  PluginStamp stamp;
  stamp.path_ = path;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return stamp;
  stamp.device_ = status.st_dev;
  stamp.inode_ = status.st_ino;
  stamp.size_bytes_ = status.st_size;
  stamp.modified_seconds_ = status.st_mtim.tv_sec;
  stamp.modified_nanoseconds_ = status.st_mtim.tv_nsec;
  return stamp;
}

}  // namespace gristmill::engine
