#pragma once

#include <cstdint>

#include "ipc/unique_fd.h"

namespace gristmill::ipc {

// The right to a piece of nameless shared memory: a memfd whose size is fixed for ever. The view of
// it is a mapping (mapping.h).
// Owns: the descriptor; the memory lives as long as any descriptor or mapping of it.
// Errors: kResources when the system refuses memory or descriptors.
class Segment {
 public:
  // New, zeroed, sealed against shrinking and growing. Pages are allocated when first touched.
  static Segment create(std::int64_t size_bytes);

  // Makes it read-only for ever, for everybody. Requires: no writable mapping of it exists
  // anywhere. Errors: kInternal if one does.
  void seal();

  // Lets mappings that exist keep writing, and forbids new ones: what is sent afterwards can only
  // be read. Requires: no descriptor of it was sent yet.
  void seal_future_writes();

  // A second descriptor that is open for reading only; the form in which sealed memory is sent.
  UniqueFd read_only_fd() const;

  int fd() const { return fd_.get(); }
  std::int64_t size_bytes() const { return size_bytes_; }

 private:
  Segment(UniqueFd fd, std::int64_t size_bytes) : fd_(std::move(fd)), size_bytes_(size_bytes) {}
  void add_seals(int seals);

  UniqueFd fd_;
  std::int64_t size_bytes_;
};

// True if the memory behind the descriptor can never be written again and never changes its size.
bool is_sealed(int fd);
// True if its size can never change.
bool has_fixed_size(int fd);

}  // namespace gristmill::ipc
