#include "ipc/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "ipc/system_error.h"

namespace gristmill::ipc {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "it is a directory";
  if (S_ISFIFO(mode)) return "it is a FIFO";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is not a regular file";
}

}  // namespace

RegularFile open_regular_file(const std::filesystem::path& path) {
  const std::string action = "open \"" + path.string() + "\"";
  // O_NONBLOCK: opening a FIFO without a writer would wait for ever.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) throw system_error(action, errno, ErrorCode::kInvalid);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw system_error(action, errno, ErrorCode::kInvalid);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kInvalid,
                "cannot open \"" + path.string() + "\": " + kind_of(status.st_mode));
  }
  return {std::move(fd), status.st_size};
}

}  // namespace gristmill::ipc
