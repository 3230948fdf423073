#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "ipc/mapping.h"
#include "ipc/ring.h"
#include "ipc/segment.h"
#include "ipc/worker_link.h"
#include "tests/support/checked_frame.h"
#include "tests/support/forked_child.h"
#include "tests/support/repetitions.h"

// Rings between two processes: each maps its own half to write and the other's to read.
namespace gristmill::ipc {
namespace {

constexpr std::int64_t kHalfBytes = sizeof(QueueHalf);
constexpr std::uint64_t kLimit = std::numeric_limits<std::uint64_t>::max();

// One process's view of a pair of halves. Made after the fork, as in a worker: a writable mapping
// is not inherited.
class Peer {
 public:
  Peer(const Segment& mine, const Segment& others)
      : my_mapping_(mine.fd(), 0, kHalfBytes),
        others_mapping_(others.fd(), 0, kHalfBytes),
        writer(my_half().outgoing, others_half().incoming),
        reader(others_half().outgoing, my_half().incoming) {}

 private:
  QueueHalf& my_half() { return *reinterpret_cast<QueueHalf*>(my_mapping_.data()); }
  const QueueHalf& others_half() const {
    return *reinterpret_cast<const QueueHalf*>(others_mapping_.data());
  }

  WritableMapping my_mapping_;
  ReadOnlyMapping others_mapping_;

 public:
  RingWriter writer;
  RingReader reader;
};

// Both indexes of both directions, before anybody uses them.
void start_at(const Segment& segment, std::uint64_t index) {
  const WritableMapping mapping(segment.fd(), 0, kHalfBytes);
  auto& half = *reinterpret_cast<QueueHalf*>(mapping.data());
  half.outgoing.head = index;
  half.incoming.tail = index;
}

// Sends the frames 0 to count and takes as many; how many were not what they had to be.
std::uint64_t exchange(Peer& peer, std::uint64_t count) {
  std::vector<std::byte> outgoing;
  std::vector<std::byte> incoming;
  std::uint64_t sent = 0;
  std::uint64_t taken = 0;
  std::uint64_t wrong = 0;
  test::make_checked_frame(sent, outgoing);
  while (sent < count || taken < count) {
    bool idle = true;
    if (sent < count && peer.writer.push(outgoing)) {
      test::make_checked_frame(++sent, outgoing);
      idle = false;
    }
    const RingReader::Pop pop = peer.reader.pop(incoming);
    if (pop == RingReader::Pop::kCorrupt) return kLimit;
    if (pop == RingReader::Pop::kFrame) {
      if (test::number_of(incoming) != taken) ++wrong;
      ++taken;
      idle = false;
    }
    if (idle) std::this_thread::yield();
  }
  return wrong;
}

class RingProcessesTest : public testing::Test {
 protected:
  Segment mine_ = Segment::create(kHalfBytes);
  Segment childs_ = Segment::create(kHalfBytes);
};

TEST_F(RingProcessesTest, FramesPassBothWaysWholeAndInOrder) {
  const auto count = static_cast<std::uint64_t>(test::repetitions(2'000'000));
  test::ForkedChild child([&] {
    Peer peer(childs_, mine_);
    return exchange(peer, count) == 0 ? 0 : 1;
  });
  Peer peer(mine_, childs_);
  EXPECT_EQ(exchange(peer, count), 0U);
  EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(RingProcessesTest, FramesPassBothWaysAcrossTheLimitOf64Bits) {
  const auto count = static_cast<std::uint64_t>(test::repetitions(100'000));
  for (std::uint64_t round = 0; round < 10; ++round) {
    start_at(mine_, kLimit - 300'000 - round);
    start_at(childs_, kLimit - 300'000 - round);
    test::ForkedChild child([&] {
      Peer peer(childs_, mine_);
      return exchange(peer, count) == 0 ? 0 : 1;
    });
    Peer peer(mine_, childs_);
    EXPECT_EQ(exchange(peer, count), 0U);
    EXPECT_EQ(child.exit_code(), 0);
  }
}

// Writes frames until it is killed.
int write_for_ever(const Segment& mine, const Segment& others) {
  Peer peer(mine, others);
  std::vector<std::byte> frame;
  for (std::uint64_t number = 0;; ++number) {
    test::make_checked_frame(number, frame);
    while (!peer.writer.push(frame)) std::this_thread::yield();
  }
}

TEST_F(RingProcessesTest, ReaderGetsAllThatAKilledWriterPublishedAndNothingElse) {
  const auto rounds = static_cast<std::uint64_t>(test::repetitions(400));
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::uint64_t start = round % 2 == 0 ? kLimit - 5'000 : 0;
    start_at(mine_, start);
    start_at(childs_, start);
    test::ForkedChild child([&] { return write_for_ever(childs_, mine_); });
    Peer peer(mine_, childs_);
    std::vector<std::byte> frame;
    std::uint64_t next = 0;
    RingReader::Pop pop = RingReader::Pop::kEmpty;
    const auto take_up_to = [&](std::uint64_t limit) {
      while (next < limit && (pop = peer.reader.pop(frame)) == RingReader::Pop::kFrame) {
        ASSERT_EQ(test::number_of(frame), next);
        ++next;
      }
      ASSERT_NE(pop, RingReader::Pop::kCorrupt);
    };
    // The kill comes in the middle of a push, in one place or another.
    const std::uint64_t wanted = 1 + test::mixed(round) % 2'000;
    while (next < wanted) ASSERT_NO_FATAL_FAILURE(take_up_to(wanted));
    child.kill_and_reap();
    ASSERT_NO_FATAL_FAILURE(take_up_to(kLimit));
    ASSERT_EQ(peer.reader.pop(frame), RingReader::Pop::kEmpty);
  }
}

}  // namespace
}  // namespace gristmill::ipc
