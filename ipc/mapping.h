#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace gristmill::ipc {

// The bytes of a segment or file in this process. Three types, so that the permission is in the
// type.
//
// All: own the mapping, not the descriptor, which may be closed. offset_bytes need not be a
// multiple of the page size. A size of 0 maps nothing; from the size of a huge page on (pages.h)
// the address is such that huge pages are possible. Shared with every other mapping of the same
// memory. Errors: kInvalid when the range lies beyond the end of the segment or file, so that no
// access can be a SIGBUS unless a file shrinks later; kResources when the address space is full.
class ReadOnlyMapping {
 public:
  ReadOnlyMapping();
  ReadOnlyMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes);
  ReadOnlyMapping(ReadOnlyMapping&&) noexcept;
  ReadOnlyMapping& operator=(ReadOnlyMapping&&) noexcept;
  ~ReadOnlyMapping();

  const std::byte* data() const { return data_; }
  std::int64_t size_bytes() const { return size_bytes_; }
  std::span<const std::byte> bytes() const {
    return {data_, static_cast<std::size_t>(size_bytes_)};
  }

 private:
  struct Region;
  std::unique_ptr<Region> region_;
  const std::byte* data_ = nullptr;
  std::int64_t size_bytes_ = 0;
};

// What children that this process forks have of a mapping.
enum class InForks {
  kExcluded,  // nothing: those of a kernel would outlive the worker and go on writing
  kShared,    // the same memory
};

class WritableMapping {
 public:
  WritableMapping();
  WritableMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes,
                  InForks in_forks = InForks::kExcluded);
  WritableMapping(WritableMapping&&) noexcept;
  WritableMapping& operator=(WritableMapping&&) noexcept;
  ~WritableMapping();

  // Gives the right to write up, or takes it back. Requires: no part of a page is used otherwise.
  void set_writable(bool writable);

  std::byte* data() const { return data_; }
  std::int64_t size_bytes() const { return size_bytes_; }
  std::span<std::byte> bytes() const { return {data_, static_cast<std::size_t>(size_bytes_)}; }

 private:
  struct Region;
  std::unique_ptr<Region> region_;
  std::byte* data_ = nullptr;
  std::int64_t size_bytes_ = 0;
};

// Writable pages of its own: what is written to them is seen here and nowhere else, and what others
// write to the memory may be seen in pages that were not written to. Otherwise as above; the
// descriptor may be open for reading only.
class PrivateMapping {
 public:
  PrivateMapping(int fd, std::int64_t offset_bytes, std::int64_t size_bytes);
  PrivateMapping(PrivateMapping&&) noexcept;
  PrivateMapping& operator=(PrivateMapping&&) noexcept;
  ~PrivateMapping();

  std::byte* data() const { return data_; }
  std::int64_t size_bytes() const { return size_bytes_; }

 private:
  struct Region;
  std::unique_ptr<Region> region_;
  std::byte* data_ = nullptr;
  std::int64_t size_bytes_ = 0;
};

}  // namespace gristmill::ipc
