#include "engine/epoll.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "ipc/system_error.h"

namespace gristmill::engine {
namespace {

void add_events(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw ipc::system_error("watch a descriptor", errno, ErrorCode::kResources);
  }
}

}  // namespace

Epoll::Epoll() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!fd_) throw ipc::system_error("create an event queue", errno, ErrorCode::kResources);
}

void Epoll::add_edge_triggered(int fd) { add_events(fd_.get(), fd, EPOLLIN | EPOLLET); }

void Epoll::add(int fd) { add_events(fd_.get(), fd, EPOLLIN); }

void Epoll::remove(int fd) { epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Epoll::wait(std::optional<std::chrono::milliseconds> limit) const {
  constexpr int kMaxEvents = 64;
  constexpr std::chrono::milliseconds kLongest{1'000'000'000};
  epoll_event events[kMaxEvents];
  const int timeout =
      limit ? static_cast<int>(std::clamp(*limit, std::chrono::milliseconds(0), kLongest).count())
            : -1;
  epoll_wait(fd_.get(), events, kMaxEvents, timeout);
}

}  // namespace gristmill::engine
