#include "ipc/doorbell.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

#include "ipc/system_error.h"

namespace gristmill::ipc {

Doorbell Doorbell::create() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw system_error("create a doorbell", errno);
  return Doorbell(std::move(fd));
}

void Doorbell::ring() const {
  // A full counter (EAGAIN) rings already.
  eventfd_write(fd_.get(), 1);
}

void Doorbell::answer() const {
  eventfd_t count = 0;
  eventfd_read(fd_.get(), &count);
}

}  // namespace gristmill::ipc
