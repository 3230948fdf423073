#include "ipc/segment.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cassert>
#include <cerrno>
#include <string>

#include "ipc/system_error.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace gristmill::ipc {
namespace {

// Kernels before 6.3 do not know MFD_NOEXEC_SEAL and say EINVAL.
int memfd(const char* name) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = memfd_create(name, kFlags | MFD_NOEXEC_SEAL);
  return fd >= 0 || errno != EINVAL ? fd : memfd_create(name, kFlags);
}

int seals_of(int fd) {
  const int seals = fcntl(fd, F_GET_SEALS);
  return seals < 0 ? 0 : seals;
}

}  // namespace

Segment Segment::create(std::int64_t size_bytes) {
  assert(size_bytes >= 0);
  UniqueFd fd(memfd("gristmill"));
  if (!fd) throw system_error("create a memory segment", errno);
  if (ftruncate(fd.get(), size_bytes) != 0) {
    throw system_error("size a memory segment to " + std::to_string(size_bytes) + " bytes", errno,
                       ErrorCode::kResources);
  }
  Segment segment(std::move(fd), size_bytes);
  segment.add_seals(F_SEAL_SHRINK | F_SEAL_GROW);
  return segment;
}

void Segment::seal() { add_seals(F_SEAL_WRITE | F_SEAL_SEAL); }

void Segment::seal_future_writes() { add_seals(F_SEAL_FUTURE_WRITE | F_SEAL_SEAL); }

UniqueFd Segment::read_only_fd() const {
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw system_error("reopen a memory segment for reading", errno);
  return fd;
}

void Segment::add_seals(int seals) {
  if (fcntl(fd_.get(), F_ADD_SEALS, seals) != 0) throw system_error("seal a memory segment", errno);
}

bool is_sealed(int fd) {
  constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  return (seals_of(fd) & kNeeded) == kNeeded;
}

bool has_fixed_size(int fd) {
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_GROW;
  return (seals_of(fd) & kNeeded) == kNeeded;
}

}  // namespace gristmill::ipc
