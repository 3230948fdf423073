#include "engine/checked_copy.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ipc/system_error.h"

namespace gristmill::engine {

// By process_vm_readv of this very process: the kernel copies between two places of user memory,
// from several threads at once if they like, and answers EFAULT where memcpy would be a signal.
// pwrite into the segment would answer the same but lets one thread write at a time.
void checked_copy(std::span<std::byte> target, const std::byte* source, const std::string& what) {
  while (!target.empty()) {
    const iovec to{target.data(), target.size()};
    const iovec from{const_cast<std::byte*>(source), target.size()};
    const ssize_t count = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (count > 0) {
      target = target.subspan(static_cast<std::size_t>(count));
      source += count;
    } else if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
      // A sandbox forbids the call.
      std::memcpy(target.data(), source, target.size());
      return;
    } else {
      throw ipc::system_error("fill " + what, count < 0 ? errno : EFAULT, ErrorCode::kInvalid);
    }
  }
}

}  // namespace gristmill::engine
