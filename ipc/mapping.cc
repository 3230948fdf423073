#include "ipc/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <boost/interprocess/mapped_region.hpp>
#include <cassert>
#include <cerrno>
#include <string>

#include "ipc/system_error.h"

namespace gristmill::ipc {
namespace {

namespace bi = boost::interprocess;

// What mapped_region asks of a thing that can be mapped.
struct MappableFd {
  int fd;
  bi::mode_t mode;

  bi::mapping_handle_t get_mapping_handle() const { return {fd, false}; }
  bi::mode_t get_mode() const { return mode; }
};

// mapped_region checks nothing: a range beyond the end would be a SIGBUS at the first access.
void require_inside(int fd, std::int64_t offset_bytes, std::int64_t size_bytes) {
  assert(offset_bytes >= 0 && size_bytes >= 0);
  struct stat status {};
  if (fstat(fd, &status) != 0) throw system_error("examine what is to be mapped", errno);
  if (size_bytes > status.st_size || offset_bytes > status.st_size - size_bytes) {
    throw Error(ErrorCode::kInvalid, "cannot map " + std::to_string(size_bytes) +
                                         " bytes from byte " + std::to_string(offset_bytes) +
                                         " on: only " + std::to_string(status.st_size) +
                                         " bytes are there");
  }
}

bi::mapped_region map(int fd, bi::mode_t mode, std::int64_t offset_bytes, std::int64_t size_bytes) {
  require_inside(fd, offset_bytes, size_bytes);
  if (size_bytes == 0) return {};
  try {
    return {MappableFd{fd, mode}, mode, offset_bytes, static_cast<std::size_t>(size_bytes)};
  } catch (const bi::interprocess_exception& error) {
    throw system_error("map " + std::to_string(size_bytes) + " bytes", error.get_native_error(),
                       ErrorCode::kInternal);
  }
}

void exclude_from_forks(const bi::mapped_region& region) {
  if (region.get_size() == 0) return;
  const auto address = reinterpret_cast<std::uintptr_t>(region.get_address());
  const std::uintptr_t page = address & ~(bi::mapped_region::get_page_size() - 1);
  madvise(reinterpret_cast<void*>(page), region.get_size() + (address - page), MADV_DONTFORK);
}

}  // namespace

struct ReadOnlyMapping::Region {
  bi::mapped_region region;
};

ReadOnlyMapping::ReadOnlyMapping() = default;
ReadOnlyMapping::ReadOnlyMapping(ReadOnlyMapping&&) noexcept = default;
ReadOnlyMapping& ReadOnlyMapping::operator=(ReadOnlyMapping&&) noexcept = default;
ReadOnlyMapping::~ReadOnlyMapping() = default;

ReadOnlyMapping::ReadOnlyMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes)
    : region_(std::make_unique<Region>(Region{map(fd, bi::read_only, offset_bytes, size_bytes)})),
      data_(static_cast<const std::byte*>(region_->region.get_address())),
      size_bytes_(size_bytes) {}

struct WritableMapping::Region {
  bi::mapped_region region;
};

WritableMapping::WritableMapping() = default;
WritableMapping::WritableMapping(WritableMapping&&) noexcept = default;
WritableMapping& WritableMapping::operator=(WritableMapping&&) noexcept = default;
WritableMapping::~WritableMapping() = default;

WritableMapping::WritableMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes)
    : region_(std::make_unique<Region>(Region{map(fd, bi::read_write, offset_bytes, size_bytes)})),
      data_(static_cast<std::byte*>(region_->region.get_address())),
      size_bytes_(size_bytes) {
  exclude_from_forks(region_->region);
}

}  // namespace gristmill::ipc
