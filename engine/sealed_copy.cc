#include "engine/sealed_copy.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "engine/reservation.h"
#include "ipc/mapping.h"
#include "ipc/system_error.h"

namespace gristmill::engine {
namespace {

// Populated and filled while it is in the cache. A multiple of every page size.
constexpr std::size_t kPartBytes = 2 * 1024 * 1024;

// First-touch faults one by one cost several times the copy. EINVAL: Linux before 5.14, which gets
// its pages on first touch.
void populate(std::span<std::byte> part, const std::string& what) {
  while (madvise(part.data(), part.size(), MADV_POPULATE_WRITE) != 0) {
    if (errno == EINVAL) return;
    if (errno == EINTR) continue;
    throw ipc::system_error("reserve " + what, errno, ErrorCode::kResources);
  }
}

}  // namespace

ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what, const FillPart& fill) {
  require_memory(size_bytes, what);
  require_below_file_limit(size_bytes, what);
  ipc::Segment segment = ipc::Segment::create(size_bytes);
  {
    const ipc::WritableMapping mapping(segment.fd(), 0, size_bytes);
    const std::span<std::byte> bytes = mapping.bytes();
    for (std::size_t offset = 0; offset < bytes.size(); offset += kPartBytes) {
      const auto part = bytes.subspan(offset, std::min(kPartBytes, bytes.size() - offset));
      populate(part, what);
      fill(part, static_cast<std::int64_t>(offset));
    }
  }
  segment.seal();
  return segment;
}

}  // namespace gristmill::engine
