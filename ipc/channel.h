#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "ipc/unique_fd.h"

namespace gristmill::ipc {

// More than a frame of a ring: what a task may ask for fits into the message that opens it as a
// job.
inline constexpr std::size_t kMaxChannelBytes = 72 * 1024;
inline constexpr std::size_t kMaxChannelFds = 96;

// One end of a socketpair that carries whole messages together with descriptors. The coordinator
// only sends: descriptors cannot travel through shared memory, all else does.
// Owns: the socket. Threads and processes: one thread an end.
class Channel {
 public:
  enum class Receive { kMessage, kPeerGone };

  struct Message {
    std::vector<std::byte> bytes;
    std::vector<UniqueFd> fds;
  };

  // Both ends. Errors: kResources when there is no descriptor left.
  static std::pair<Channel, Channel> create_pair();
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  // Never blocks. False if the peer is gone or does not take messages.
  // Requires: at most kMaxChannelBytes bytes and kMaxChannelFds descriptors.
  bool send(std::span<const std::byte> bytes, std::span<const int> fds) const;

  // Waits for a message. Errors: kInternal for one that was cut off or whose descriptors the
  // kernel dropped (kResources: no descriptor left here).
  Receive receive(Message& message) const;

  // The other end is closed, by a dying process before it has ended.
  bool peer_is_gone() const;

  int fd() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  UniqueFd socket_;
};

}  // namespace gristmill::ipc
