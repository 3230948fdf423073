#include "engine/new_memory.h"

#include <cassert>

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

NewMemory::NewMemory(std::int64_t size_bytes, const std::string& what)
    : segment_(reserve(size_bytes, what)), mapping_(segment_.fd(), 0, size_bytes) {}

void NewMemory::prepare(std::int64_t begin, std::int64_t end) const {
  assert(begin % ipc::kHugePageBytes == 0 && end <= mapping_.size_bytes());
  const std::int64_t whole = (end - begin) / ipc::kHugePageBytes * ipc::kHugePageBytes;
  std::int64_t huge = 0;
  if (whole > 0 &&
      ipc::collapse_to_huge_pages(mapping_.data() + begin, whole) == ipc::Collapsed::kYes) {
    huge = whole;
  }
  if (begin + huge < end) {
    static_cast<void>(
        ipc::populate(mapping_.data() + begin + huge, end - begin - huge, ipc::Access::kWrite));
  }
}

ipc::Segment NewMemory::seal() && {
  mapping_ = {};
  GRISTMILL_TEST_POINT("coordinator-before-seal");
  segment_.seal();
  GRISTMILL_TEST_POINT("coordinator-after-seal");
  return std::move(segment_);
}

}  // namespace gristmill::engine
