#pragma once

#include "ipc/unique_fd.h"

namespace gristmill::ipc {

// Wakes one process by another: an eventfd. A ring is a hint, not a message: publish first, ring
// second; the woken side answers first and looks second. So no wake-up is lost, and one too many
// does no harm. Owns: the descriptor. Threads and processes: any number may ring.
class Doorbell {
 public:
  // Errors: kResources when there is no descriptor left.
  static Doorbell create();
  explicit Doorbell(UniqueFd fd) : fd_(std::move(fd)) {}

  // Never blocks.
  void ring() const;
  // Clears the bell, so that waiting for readability waits for the next ring. Never blocks. Only
  // for a side whose descriptor nobody else answers.
  void answer() const;

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace gristmill::ipc
