#pragma once

#include <cstdint>
#include <filesystem>

#include "ipc/unique_fd.h"

namespace gristmill::ipc {

// An existing regular file, open for reading.
struct RegularFile {
  UniqueFd fd;
  std::int64_t size_bytes = 0;
};

// Never blocks, whatever the path names. Errors: kInvalid, naming the path: missing, not readable,
// a directory, FIFO, socket or device.
RegularFile open_regular_file(const std::filesystem::path& path);

}  // namespace gristmill::ipc
