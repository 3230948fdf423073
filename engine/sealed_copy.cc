#include "engine/sealed_copy.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "engine/reservation.h"
#include "ipc/system_error.h"

namespace gristmill::engine {
namespace {

// Not through a mapping: write(2) neither clears the pages first nor takes a fault for each, which
// makes it twice as fast, and it can fail where a mapping would raise SIGBUS.
void write_part(int fd, std::span<const std::byte> part, std::int64_t offset_bytes,
                const std::string& what) {
  while (!part.empty()) {
    const ssize_t count = pwrite(fd, part.data(), part.size(), offset_bytes);
    if (count > 0) {
      part = part.subspan(static_cast<std::size_t>(count));
      offset_bytes += count;
    } else if (errno != EINTR) {
      throw ipc::system_error("fill " + what, errno, ErrorCode::kInvalid);
    }
  }
}

}  // namespace

ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what,
                         const PartSource& source) {
  require_memory(size_bytes, what);
  require_below_file_limit(size_bytes, what);
  ipc::Segment segment = ipc::Segment::create(size_bytes);
  for (std::int64_t offset = 0; offset < size_bytes; offset += kPartBytes) {
    const std::int64_t part_bytes = std::min(kPartBytes, size_bytes - offset);
    const std::span<const std::byte> part = source(offset, part_bytes);
    assert(part.size() == static_cast<std::size_t>(part_bytes));
    write_part(segment.fd(), part, offset, what);
  }
  segment.seal();
  return segment;
}

}  // namespace gristmill::engine
