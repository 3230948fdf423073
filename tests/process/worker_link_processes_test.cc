#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "ipc/channel.h"
#include "ipc/worker_link.h"
#include "tests/support/forked_child.h"
#include "tests/support/repetitions.h"

// A coordinator and a worker in two processes, and what either sees of the other's end.
namespace gristmill::ipc {
namespace {

using Take = CoordinatorLink::Take;

enum ExitCode { kGood = 0, kNoLink = 1, kNotSent = 2 };

// Waits as a coordinator does: edge-triggered, nobody answers the bell.
class BellWait {
 public:
  explicit BellWait(int bell) : poller_(epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLET;
    EXPECT_EQ(epoll_ctl(poller_.get(), EPOLL_CTL_ADD, bell, &wanted), 0);
  }
  void wait() const {
    epoll_event event{};
    EXPECT_EQ(epoll_wait(poller_.get(), &event, 1, -1), 1);
  }

 private:
  UniqueFd poller_;
};

// Answers each order until the coordinator is gone.
int answer_orders(Channel& channel) {
  std::optional<WorkerLink> worker = WorkerLink::open(std::move(channel));
  if (!worker) return kNoLink;
  while (const std::optional<Task> task = worker->wait_for_task()) {
    const auto& order = std::get<Order>(*task);
    if (!worker->send(Idle{order.job, order.seq})) return kNotSent;
  }
  return kGood;
}

// The child of a test: the coordinator's copy of its own end is not for the worker, which would
// otherwise never see it close.
template <class Call>
auto as_worker(CoordinatorLink::Created& created, const Call& call) {
  return [&created, call] {
    Channel channel = std::move(created.worker_end);
    created.link.hang_up();
    return call(channel);
  };
}

TEST(WorkerLinkProcessesTest, EachOrderIsAnsweredAndHangUpEndsTheWorker) {
  CoordinatorLink::Created created = CoordinatorLink::create();
  test::ForkedChild child(as_worker(created, answer_orders));
  created.worker_end.close();
  const BellWait bell(created.link.doorbell_fd());
  Report report;
  for (std::uint64_t seq = 1; seq <= static_cast<std::uint64_t>(test::repetitions(40'000)); ++seq) {
    ASSERT_TRUE(created.link.send(Order{1, seq, 0, 0}));
    Take take = Take::kEmpty;
    while ((take = created.link.take(report)) == Take::kEmpty) bell.wait();
    ASSERT_EQ(take, Take::kReport);
    ASSERT_EQ(std::get<Idle>(report).seq, seq);
  }
  created.link.hang_up();
  EXPECT_EQ(child.exit_code(), kGood);
}

TEST(WorkerLinkProcessesTest, ReportsOfAKilledWorkerAreWholeAndInOrder) {
  for (int round = 0; round < 20; ++round) {
    CoordinatorLink::Created created = CoordinatorLink::create();
    test::ForkedChild child(as_worker(created, [](Channel& channel) {
      std::optional<WorkerLink> worker = WorkerLink::open(std::move(channel));
      for (std::uint64_t seq = 0; worker; ++seq) worker->send(Idle{1, seq});
      return kNoLink;
    }));
    created.worker_end.close();
    const BellWait bell(created.link.doorbell_fd());
    Report report;
    Take take = Take::kEmpty;
    std::uint64_t next = 0;
    const auto take_up_to = [&](std::uint64_t limit) {
      while (next < limit && (take = created.link.take(report)) == Take::kReport) {
        ASSERT_EQ(std::get<Idle>(report).seq, next);
        ++next;
      }
      ASSERT_NE(take, Take::kViolation);
    };
    constexpr std::uint64_t kWanted = 1'000;
    while (next < kWanted) {
      bell.wait();
      ASSERT_NO_FATAL_FAILURE(take_up_to(kWanted));
    }
    child.kill_and_reap();
    ASSERT_NO_FATAL_FAILURE(take_up_to(std::numeric_limits<std::uint64_t>::max()));
    EXPECT_EQ(take, Take::kEmpty);
    EXPECT_FALSE(created.link.send(ChannelMessage{OpenJob{}}, {}));
  }
}

TEST(WorkerLinkProcessesTest, AWorkerThatNeverReadsDoesNotBlockTheCoordinator) {
  CoordinatorLink::Created created = CoordinatorLink::create();
  test::ForkedChild child(as_worker(created, [](Channel&) { return pause(); }));
  created.worker_end.close();
  while (created.link.send(Order{1, 1, 0, 0})) {
  }
  while (created.link.send(ChannelMessage{OpenJob{}}, {})) {
  }
  Report report;
  EXPECT_EQ(created.link.take(report), Take::kEmpty);
}

TEST(WorkerLinkProcessesTest, TheWorkerSeesThatItsCoordinatorWasKilled) {
  auto [mine, childs] = Channel::create_pair();
  test::ForkedChild coordinator([&childs = childs] {
    CoordinatorLink::Created created = CoordinatorLink::create();
    if (!created.link.send(Order{1, 7, 0, 0})) return static_cast<int>(kNotSent);
    const std::array fds{created.worker_end.fd()};
    if (!childs.send(std::array{std::byte{1}}, fds)) return static_cast<int>(kNotSent);
    created.worker_end.close();
    return pause();
  });
  childs.close();
  Channel::Message message;
  ASSERT_EQ(mine.receive(message), Channel::Receive::kMessage);
  ASSERT_EQ(message.fds.size(), 1U);
  std::optional<WorkerLink> worker = WorkerLink::open(Channel(std::move(message.fds[0])));
  ASSERT_TRUE(worker);
  // The coordinator's last order is there, whenever it dies.
  const std::optional<Task> order = worker->wait_for_task();
  ASSERT_TRUE(order);
  EXPECT_EQ(std::get<Order>(*order).seq, 7U);
  coordinator.kill_and_reap();
  EXPECT_FALSE(worker->wait_for_task());
  std::vector<UniqueFd> fds;
  EXPECT_FALSE(worker->wait_for_message(fds));
  // Reports find room until the queue is full, and then the truth.
  while (worker->send(Idle{1, 7})) {
  }
}

}  // namespace
}  // namespace gristmill::ipc
