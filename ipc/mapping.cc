#include "ipc/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <boost/interprocess/mapped_region.hpp>
#include <cassert>
#include <cerrno>
#include <string>

#include "ipc/pages.h"
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

// Address space for a mapping whose address has the same remainder as its offset modulo the size of
// a huge page: only then can the kernel use huge pages for it.
class AddressReservation {
 public:
  AddressReservation(std::int64_t offset_bytes, std::int64_t size_bytes)
      : length_(static_cast<std::size_t>(size_bytes + kHugePageBytes)) {
    void* base =
        mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) throw system_error("reserve address space", errno);
    base_ = static_cast<std::byte*>(base);
    const auto misfit =
        (static_cast<std::uintptr_t>(offset_bytes) - reinterpret_cast<std::uintptr_t>(base_)) %
        kHugePageBytes;
    address_ = base_ + misfit;
  }
  AddressReservation(const AddressReservation&) = delete;
  AddressReservation& operator=(const AddressReservation&) = delete;
  // Gives back all that was not mapped over.
  ~AddressReservation() {
    std::byte* const end = base_ + length_;
    give_back(base_, used_begin_ == nullptr ? end : used_begin_);
    if (used_begin_ != nullptr) give_back(used_end_, end);
  }

  void* address() const { return address_; }
  void used(const bi::mapped_region& region) {
    const auto page = bi::mapped_region::get_page_size();
    const auto begin = reinterpret_cast<std::uintptr_t>(region.get_address());
    used_begin_ = reinterpret_cast<std::byte*>(begin & ~(page - 1));
    used_end_ = reinterpret_cast<std::byte*>((begin + region.get_size() + page - 1) & ~(page - 1));
  }

 private:
  static void give_back(std::byte* begin, std::byte* end) {
    if (begin < end) munmap(begin, static_cast<std::size_t>(end - begin));
  }

  std::size_t length_;
  std::byte* base_;
  std::byte* address_;
  std::byte* used_begin_ = nullptr;
  std::byte* used_end_ = nullptr;
};

bi::mapped_region map(int fd, bi::mode_t mode, std::int64_t offset_bytes, std::int64_t size_bytes) {
  require_inside(fd, offset_bytes, size_bytes);
  if (size_bytes == 0) return {};
  const MappableFd mappable{fd, mode};
  const auto size = static_cast<std::size_t>(size_bytes);
  try {
    if (size_bytes < kHugePageBytes) return {mappable, mode, offset_bytes, size};
    AddressReservation reservation(offset_bytes, size_bytes);
    bi::mapped_region region(mappable, mode, offset_bytes, size, reservation.address(), MAP_FIXED);
    reservation.used(region);
    return region;
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

void WritableMapping::set_writable(bool writable) {
  if (size_bytes_ == 0) return;
  const auto page = bi::mapped_region::get_page_size();
  const auto address = reinterpret_cast<std::uintptr_t>(data_);
  const std::uintptr_t begin = address & ~(page - 1);
  const std::size_t length = static_cast<std::size_t>(size_bytes_) + (address - begin);
  if (mprotect(reinterpret_cast<void*>(begin), length,
               writable ? PROT_READ | PROT_WRITE : PROT_READ) != 0) {
    throw system_error("change the protection of a mapping", errno);
  }
}

WritableMapping::WritableMapping() = default;
WritableMapping::WritableMapping(WritableMapping&&) noexcept = default;
WritableMapping& WritableMapping::operator=(WritableMapping&&) noexcept = default;
WritableMapping::~WritableMapping() = default;

WritableMapping::WritableMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes,
                                 InForks in_forks)
    : region_(std::make_unique<Region>(Region{map(fd, bi::read_write, offset_bytes, size_bytes)})),
      data_(static_cast<std::byte*>(region_->region.get_address())),
      size_bytes_(size_bytes) {
  if (in_forks == InForks::kExcluded) exclude_from_forks(region_->region);
}

struct PrivateMapping::Region {
  bi::mapped_region region;
};

PrivateMapping::PrivateMapping(PrivateMapping&&) noexcept = default;
PrivateMapping& PrivateMapping::operator=(PrivateMapping&&) noexcept = default;
PrivateMapping::~PrivateMapping() = default;

PrivateMapping::PrivateMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes)
    : region_(
          std::make_unique<Region>(Region{map(fd, bi::copy_on_write, offset_bytes, size_bytes)})),
      data_(static_cast<std::byte*>(region_->region.get_address())),
      size_bytes_(size_bytes) {}

}  // namespace gristmill::ipc
