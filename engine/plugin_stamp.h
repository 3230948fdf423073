#pragma once

#include <cstdint>
#include <string>

namespace gristmill::engine {

// Which file a plug-in is and what was in it: for telling, when a worker has died in its code,
// whether somebody wrote over it meanwhile.
class PluginStamp {
 public:
  // Of the file as it is now. A file that cannot be looked at has a stamp, too.
  static PluginStamp of(const std::string& path);

  // True if the file is another one, or was written to, or is gone.
  bool has_changed() const { return !(of(path_) == *this); }

  friend bool operator==(const PluginStamp&, const PluginStamp&) = default;

 private:
  std::string path_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::int64_t size_bytes_ = -1;
  std::int64_t modified_seconds_ = 0;
  std::int64_t modified_nanoseconds_ = 0;
};

}  // namespace gristmill::engine
