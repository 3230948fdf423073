#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <gristmill/kernel.hpp>

// How a test and a kernel meet: in a folder. The kernel says where it is by an empty file
// "at-<item>-<pid>", and the test lets it go on by a file "go".
namespace gristmill::test {

inline void announce(std::string_view folder, std::int64_t item) {
  const std::string path =
      std::string(folder) + "/at-" + std::to_string(item) + "-" + std::to_string(getpid());
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

inline bool gate_is_open(std::string_view folder) {
  return access((std::string(folder) + "/go").c_str(), F_OK) == 0;
}

// Returns when the gate is open or the job was cancelled.
inline void wait_at_gate(const kernel::Chunk& chunk, std::string_view folder) {
  while (!gate_is_open(folder) && !chunk.cancelled()) usleep(200);
}

}  // namespace gristmill::test
