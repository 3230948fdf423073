#pragma once

#include <chrono>
#include <optional>

#include "ipc/unique_fd.h"

namespace gristmill::engine {

// Waits for descriptors. Wake-ups are hints: it does not tell which one it was, the caller looks at
// all that could have happened.
class Epoll {
 public:
  // Errors: kResources when there is no descriptor left.
  Epoll();

  // For doorbells that nobody answers: each ring wakes once.
  void add_edge_triggered(int fd);
  // For descriptors that stay readable until the caller has seen to them.
  void add(int fd);
  void remove(int fd);

  // Returns at a wake-up, at an interruption by a signal, or at the limit (none: no limit).
  void wait(std::optional<std::chrono::milliseconds> limit) const;

  int fd() const { return fd_.get(); }

 private:
  ipc::UniqueFd fd_;
};

}  // namespace gristmill::engine
