#include "ipc/worker_link.h"

#include <poll.h>

#include <cerrno>

#include "ipc/codec.h"
#include "ipc/system_error.h"
#include "ipc/version.h"

namespace gristmill::ipc {
namespace {

constexpr std::size_t kSetupFds = 4;
constexpr std::chrono::milliseconds kForEver{-1};
constexpr std::chrono::milliseconds kFullQueuePause{1};

Error broken_by_coordinator(const std::string& what) {
  return Error(ErrorCode::kInternal, "the coordinator sent " + what);
}

}  // namespace

CoordinatorLink::CoordinatorLink(Channel channel, const Segment& mine, const Segment& workers)
    : channel_(std::move(channel)),
      my_bell_(Doorbell::create()),
      worker_bell_(Doorbell::create()),
      my_mapping_(mine.fd(), 0, mine.size_bytes()),
      worker_mapping_(workers.fd(), 0, workers.size_bytes()),
      tasks_(my_half().outgoing, worker_half().incoming),
      reports_(worker_half().outgoing, my_half().incoming) {}

CoordinatorLink::Created CoordinatorLink::create(std::int64_t memory_limit_bytes) {
  auto [channel, worker_end] = Channel::create_pair();
  Segment mine = Segment::create(sizeof(QueueHalf));
  const Segment workers = Segment::create(sizeof(QueueHalf));
  CoordinatorLink link(std::move(channel), mine, workers);
  mine.seal_future_writes();
  const UniqueFd readable = mine.read_only_fd();
  if (!link.send(Setup{kVersion, memory_limit_bytes},
                 {readable.get(), workers.fd(), link.worker_bell_.fd(), link.my_bell_.fd()})) {
    throw Error(ErrorCode::kResources, "could not send a worker its setup");
  }
  return {std::move(link), std::move(worker_end)};
}

bool CoordinatorLink::send(const ChannelMessage& message, const std::vector<int>& fds) {
  const std::vector<std::byte> bytes = encode(message);
  if (bytes.size() > kMaxChannelBytes || fds.size() > kMaxChannelFds) return false;
  return channel_.send(bytes, fds);
}

bool CoordinatorLink::send(const Task& task) {
  const std::vector<std::byte> frame = encode(task);
  if (frame.size() > kMaxFrameBytes || !tasks_.push(frame)) return false;
  worker_bell_.ring();
  return true;
}

CoordinatorLink::Take CoordinatorLink::take(Report& report) {
  switch (reports_.pop(frame_)) {
    case RingReader::Pop::kEmpty:
      return Take::kEmpty;
    case RingReader::Pop::kCorrupt:
      return Take::kViolation;
    case RingReader::Pop::kFrame:
      break;
  }
  std::optional<Report> decoded = decode_report(frame_);
  if (!decoded) return Take::kViolation;
  report = std::move(*decoded);
  return Take::kReport;
}

WorkerLink::WorkerLink(Channel channel, std::vector<UniqueFd> fds, std::int64_t memory_limit_bytes)
    : memory_limit_bytes_(memory_limit_bytes),
      channel_(std::move(channel)),
      my_bell_(std::move(fds[2])),
      coordinator_bell_(std::move(fds[3])),
      coordinator_mapping_(fds[0].get(), 0, sizeof(QueueHalf)),
      my_mapping_(fds[1].get(), 0, sizeof(QueueHalf)),
      tasks_(coordinator_half().outgoing, my_half().incoming),
      reports_(my_half().outgoing, coordinator_half().incoming) {}

std::optional<WorkerLink> WorkerLink::open(Channel channel) {
  Channel::Message message;
  if (channel.receive(message) == Channel::Receive::kPeerGone) return std::nullopt;
  const std::optional<ChannelMessage> decoded = decode_channel_message(message.bytes);
  const Setup* setup = decoded ? std::get_if<Setup>(&*decoded) : nullptr;
  if (setup == nullptr || message.fds.size() != kSetupFds) {
    throw broken_by_coordinator("a malformed setup");
  }
  if (setup->version != kVersion) {
    throw Error(ErrorCode::kInternal, "the coordinator is version " + setup->version +
                                          " and this worker is version " + kVersion);
  }
  return WorkerLink(std::move(channel), std::move(message.fds), setup->memory_limit_bytes);
}

std::optional<Task> WorkerLink::wait_for_task(std::chrono::microseconds awake) {
  using Clock = std::chrono::steady_clock;
  const auto sleep_at = awake.count() > 0 ? Clock::now() + awake : Clock::time_point::min();
  bool answered = false;
  for (;;) {
    if (!answered) my_bell_.answer();
    answered = true;
    switch (tasks_.pop(frame_)) {
      case RingReader::Pop::kCorrupt:
        throw broken_by_coordinator("a broken queue");
      case RingReader::Pop::kEmpty:
        // A ring since the answer ends the wait at once.
        if (sleep_at > Clock::now()) continue;
        if (!wait(kForEver, /*for_bell=*/true)) return std::nullopt;
        answered = false;
        continue;
      case RingReader::Pop::kFrame:
        break;
    }
    std::optional<Task> task = decode_task(frame_);
    if (!task) throw broken_by_coordinator("a malformed task");
    return task;
  }
}

std::optional<ChannelMessage> WorkerLink::wait_for_message(std::vector<UniqueFd>& fds) {
  Channel::Message message;
  if (channel_.receive(message) == Channel::Receive::kPeerGone) return std::nullopt;
  std::optional<ChannelMessage> decoded = decode_channel_message(message.bytes);
  if (!decoded) throw broken_by_coordinator("a malformed message");
  fds = std::move(message.fds);
  return decoded;
}

bool WorkerLink::send(const Report& report) {
  const std::vector<std::byte> frame = encode(report);
  if (frame.size() > kMaxFrameBytes) {
    throw Error(ErrorCode::kInvalid, "a report of " + std::to_string(frame.size()) +
                                         " bytes is longer than the queue takes, " +
                                         std::to_string(kMaxFrameBytes) + " bytes");
  }
  while (!reports_.push(frame)) {
    if (reports_.corrupt()) throw broken_by_coordinator("a broken queue");
    if (!wait(kFullQueuePause, /*for_bell=*/false)) return false;
  }
  coordinator_bell_.ring();
  return true;
}

// False: the coordinator is gone.
bool WorkerLink::wait(std::chrono::milliseconds limit, bool for_bell) const {
  pollfd fds[2] = {{for_bell ? my_bell_.fd() : -1, POLLIN, 0}, {channel_.fd(), 0, 0}};
  while (poll(fds, 2, static_cast<int>(limit.count())) < 0 && errno == EINTR) {
  }
  return (fds[1].revents & (POLLHUP | POLLERR)) == 0;
}

}  // namespace gristmill::ipc
