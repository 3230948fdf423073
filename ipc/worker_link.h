#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/doorbell.h"
#include "ipc/mapping.h"
#include "ipc/messages.h"
#include "ipc/ring.h"
#include "ipc/segment.h"

// Everything between the coordinator and one incarnation of one worker: a channel, a task queue, a
// report queue and a doorbell each way. A new incarnation gets a new link, so nothing of a dead
// worker is ever read as the words of its replacement.
namespace gristmill::ipc {

// The memory that one side writes: its outgoing ring, and its index into the other side's ring.
struct QueueHalf {
  RingLayout outgoing;
  RingCursor incoming;
};

// The coordinator's end. For one thread.
// Owns: its descriptors and mappings. Never blocks on the worker.
class CoordinatorLink {
 public:
  // The channel's other end, to be handed to the worker process before anything is sent.
  struct Created;
  // memory_limit_bytes: of the worker's own data, told in its setup; 0: none.
  static Created create(std::int64_t memory_limit_bytes = 0);

  // False if the worker is gone or does not take messages, or if the message is too large.
  bool send(const ChannelMessage& message, const std::vector<int>& fds);
  // Publishes and rings. False if the queue is full or broken, or if the task is too large.
  bool send(const Task& task);

  enum class Take { kReport, kEmpty, kViolation };
  // The next report. kViolation: the worker broke the format; it is not to be listened to any more.
  Take take(Report& report);

  // A worker that is dying takes nothing any more; its end is told by its process.
  bool worker_is_gone() const { return channel_.peer_is_gone(); }

  // Tells the worker that the coordinator is gone: it ends when its queue is empty. Nothing can be
  // sent any more.
  void hang_up() { channel_.close(); }

  // Becomes readable when the worker has rung. Shared with the worker, so never answered: wait for
  // it edge-triggered.
  int doorbell_fd() const { return my_bell_.fd(); }

 private:
  CoordinatorLink(Channel channel, const Segment& mine, const Segment& workers);
  QueueHalf& my_half() const { return *reinterpret_cast<QueueHalf*>(my_mapping_.data()); }
  const QueueHalf& worker_half() const {
    return *reinterpret_cast<const QueueHalf*>(worker_mapping_.data());
  }

  Channel channel_;
  Doorbell my_bell_;
  Doorbell worker_bell_;
  WritableMapping my_mapping_;
  ReadOnlyMapping worker_mapping_;
  RingWriter tasks_;
  RingReader reports_;
  std::vector<std::byte> frame_;
};

struct CoordinatorLink::Created {
  CoordinatorLink link;
  Channel worker_end;
};

// The worker's end. For one thread.
class WorkerLink {
 public:
  // Receives the setup. None if the coordinator is gone.
  // Errors: kInternal if it is of another version or malformed.
  static std::optional<WorkerLink> open(Channel channel);

  // The next task. Waits for one; none: the coordinator is gone. awake: looks for so long before it
  // sleeps, where the next task is likely to come sooner than a sleeper is woken.
  // Errors: kInternal if the coordinator broke the format.
  std::optional<Task> wait_for_task(std::chrono::microseconds awake = {});

  // The next message on the channel with its descriptors. Waits; none: the coordinator is gone.
  // Errors: kInternal if it is malformed.
  std::optional<ChannelMessage> wait_for_message(std::vector<UniqueFd>& fds);

  // Publishes and rings. While the queue is full it waits; false: the coordinator is gone.
  // Errors: kInvalid for a report longer than a frame, which no waiting helps; nothing was sent.
  bool send(const Report& report);

  std::int64_t memory_limit_bytes() const { return memory_limit_bytes_; }

 private:
  WorkerLink(Channel channel, std::vector<UniqueFd> fds, std::int64_t memory_limit_bytes);
  QueueHalf& my_half() const { return *reinterpret_cast<QueueHalf*>(my_mapping_.data()); }
  const QueueHalf& coordinator_half() const {
    return *reinterpret_cast<const QueueHalf*>(coordinator_mapping_.data());
  }
  bool wait(std::chrono::milliseconds limit, bool for_bell) const;

  std::int64_t memory_limit_bytes_;
  Channel channel_;
  Doorbell my_bell_;
  Doorbell coordinator_bell_;
  ReadOnlyMapping coordinator_mapping_;
  WritableMapping my_mapping_;
  RingReader tasks_;
  RingWriter reports_;
  std::vector<std::byte> frame_;
};

}  // namespace gristmill::ipc
