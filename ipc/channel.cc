#include "ipc/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "ipc/system_error.h"

namespace gristmill::ipc {
namespace {

using ControlBuffer = std::array<std::byte, CMSG_SPACE(sizeof(int) * kMaxChannelFds)>;

void attach(msghdr& header, ControlBuffer& buffer, std::span<const int> fds) {
  if (fds.empty()) return;
  header.msg_control = buffer.data();
  header.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(control), fds.data(), fds.size_bytes());
}

std::vector<UniqueFd> detach(msghdr& header) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

std::pair<Channel, Channel> Channel::create_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw system_error("create a socket pair", errno);
  }
  return {Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1]))};
}

bool Channel::send(std::span<const std::byte> bytes, std::span<const int> fds) const {
  assert(!bytes.empty() && bytes.size() <= kMaxChannelBytes && fds.size() <= kMaxChannelFds);
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  // Zeros: the padding behind an odd number of descriptors is sent, too.
  alignas(cmsghdr) ControlBuffer buffer{};
  attach(header, buffer, fds);
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

Channel::Receive Channel::receive(Message& message) const {
  message.bytes.resize(kMaxChannelBytes);
  iovec part{message.bytes.data(), message.bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) ControlBuffer buffer;
  header.msg_control = buffer.data();
  header.msg_controllen = buffer.size();
  ssize_t received = 0;
  do {
    received = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received == 0 || (received < 0 && errno == ECONNRESET)) return Receive::kPeerGone;
  if (received < 0) throw system_error("receive a message", errno);
  message.fds = detach(header);
  message.bytes.resize(static_cast<std::size_t>(received));
  // A full descriptor table makes the kernel drop descriptors without an error.
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    throw Error(ErrorCode::kResources, "could not receive descriptors: too many are open");
  }
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    throw Error(ErrorCode::kInternal, "a message was cut off");
  }
  return Receive::kMessage;
}

bool Channel::peer_is_gone() const {
  pollfd end{socket_.get(), 0, 0};
  return poll(&end, 1, 0) == 1 && (end.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace gristmill::ipc
