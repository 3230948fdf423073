#include "engine/new_memory.h"

#include "engine/reservation.h"
#include "ipc/pages.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

ipc::Segment reserve(std::int64_t size_bytes, const std::string& what) {
  require_memory(size_bytes, what);
  require_below_file_limit(size_bytes, what);
  ipc::Segment segment = ipc::Segment::create(size_bytes);
  GRISTMILL_TEST_POINT("coordinator-after-new-memory");
  // Without these pages, memory is populated instead of made huge: slower, not wrong.
  static_cast<void>(ipc::reserve_for_huge_pages(segment.fd(), size_bytes));
  return segment;
}

}  // namespace

void prepare_pages(std::span<std::byte> memory) {
  const auto size = static_cast<std::int64_t>(memory.size());
  const std::int64_t whole = size / ipc::kHugePageBytes * ipc::kHugePageBytes;
  std::int64_t huge = 0;
  if (whole > 0 && ipc::collapse_to_huge_pages(memory.data(), whole) == ipc::Collapsed::kYes) {
    huge = whole;
  }
  if (huge < size) {
    static_cast<void>(ipc::populate(memory.data() + huge, size - huge, ipc::Access::kWrite));
  }
}

NewMemory::NewMemory(std::int64_t size_bytes, const std::string& what)
    : segment_(reserve(size_bytes, what)), mapping_(segment_.fd(), 0, size_bytes) {}

ipc::Segment NewMemory::seal() && {
  mapping_ = {};
  GRISTMILL_TEST_POINT("coordinator-before-seal");
  segment_.seal();
  GRISTMILL_TEST_POINT("coordinator-after-seal");
  return std::move(segment_);
}

}  // namespace gristmill::engine
