#include "ipc/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <limits>
#include <thread>
#include <vector>

#include "tests/support/descriptors.h"
#include "tests/support/error_of.h"

namespace gristmill::ipc {
namespace {

bool rings(const Doorbell& bell) {
  pollfd waited{bell.fd(), POLLIN, 0};
  return poll(&waited, 1, 0) == 1;
}

// The fullest counter that an eventfd can have.
void fill(const Doorbell& bell) {
  ASSERT_EQ(eventfd_write(bell.fd(), std::numeric_limits<std::uint64_t>::max() - 1), 0);
}

TEST(DoorbellTest, IsSilentAtFirst) { EXPECT_FALSE(rings(Doorbell::create())); }

TEST(DoorbellTest, RingBeforeTheWaitIsNotLost) {
  const Doorbell bell = Doorbell::create();
  bell.ring();
  EXPECT_TRUE(rings(bell));
}

TEST(DoorbellTest, OneAnswerIsEnoughForManyRings) {
  const Doorbell bell = Doorbell::create();
  bell.ring();
  bell.ring();
  bell.answer();
  EXPECT_FALSE(rings(bell));
  bell.ring();
  EXPECT_TRUE(rings(bell));
}

TEST(DoorbellTest, AnsweringASilentBellReturnsAtOnce) {
  const Doorbell bell = Doorbell::create();
  bell.answer();
  EXPECT_FALSE(rings(bell));
}

TEST(DoorbellTest, RingReturnsAtOnceWhenTheCounterIsFull) {
  const Doorbell bell = Doorbell::create();
  fill(bell);
  bell.ring();
  EXPECT_TRUE(rings(bell));
  bell.answer();
  EXPECT_FALSE(rings(bell));
}

TEST(DoorbellTest, EachRingIsAnEdgeEvenIfNobodyAnswers) {
  const Doorbell bell = Doorbell::create();
  const UniqueFd poller(epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(epoll_ctl(poller.get(), EPOLL_CTL_ADD, bell.fd(), &wanted), 0);
  epoll_event event{};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(epoll_wait(poller.get(), &event, 1, 0), 0);
    bell.ring();
    EXPECT_EQ(epoll_wait(poller.get(), &event, 1, 0), 1);
  }
}

TEST(DoorbellTest, RingsOfManyThreadsAreHeard) {
  const Doorbell bell = Doorbell::create();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) bell.ring();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(rings(bell));
}

TEST(DoorbellTest, ADescriptorThatTravelledIsTheSameBell) {
  const Doorbell bell = Doorbell::create();
  const Doorbell other(UniqueFd(fcntl(bell.fd(), F_DUPFD_CLOEXEC, 0)));
  other.ring();
  EXPECT_TRUE(rings(bell));
}

TEST(DoorbellTest, IsClosedOnExecAndWithItsOwner) {
  const long before = test::open_descriptors();
  {
    const Doorbell bell = Doorbell::create();
    EXPECT_TRUE(test::is_closed_on_exec(bell.fd()));
  }
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST(DoorbellTest, NoDescriptorLeftIsAResourceError) {
  const test::DescriptorLimit limit(0);
  EXPECT_EQ(test::error_of([] { Doorbell::create(); }).code(), ErrorCode::kResources);
}

}  // namespace
}  // namespace gristmill::ipc
