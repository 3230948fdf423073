#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "ipc/doorbell.h"
#include "ipc/mapping.h"
#include "ipc/ring.h"
#include "ipc/segment.h"
#include "tests/support/checked_frame.h"
#include "tests/support/repetitions.h"

// Writer and reader in two threads over one mapping: through two mappings of the same memory the
// thread sanitizer would see nothing.
namespace gristmill::ipc {
namespace {

struct Halves {
  RingLayout layout;
  RingCursor cursor;
};

class RingThreadsTest : public testing::Test {
 protected:
  RingThreadsTest()
      : segment_(Segment::create(sizeof(Halves))), mapping_(segment_.fd(), 0, sizeof(Halves)) {}

  Halves& halves() { return *reinterpret_cast<Halves*>(mapping_.data()); }

  void start_at(std::uint64_t index) {
    halves().layout.head = index;
    halves().cursor.tail = index;
  }

  // Sends frames 0 to count from one thread to another; pauses are for the side that must wait.
  void pass(std::uint64_t count, const std::function<void()>& full_pause,
            const std::function<void()>& pushed, const std::function<void()>& empty_pause) {
    std::thread thread([&, this] {
      RingWriter writer(halves().layout, halves().cursor);
      std::vector<std::byte> frame;
      for (std::uint64_t number = 0; number < count; ++number) {
        test::make_checked_frame(number, frame);
        while (!writer.push(frame)) full_pause();
        pushed();
      }
      EXPECT_FALSE(writer.corrupt());
    });
    read(count, empty_pause);
    thread.join();
  }

 private:
  // Goes on after a failure, so that the writer comes to its end.
  void read(std::uint64_t count, const std::function<void()>& empty_pause) {
    RingReader reader(halves().layout, halves().cursor);
    std::vector<std::byte> frame;
    std::uint64_t wrong = 0;
    for (std::uint64_t number = 0; number < count;) {
      const RingReader::Pop pop = reader.pop(frame);
      if (pop == RingReader::Pop::kEmpty) {
        empty_pause();
        continue;
      }
      if (pop != RingReader::Pop::kFrame || test::number_of(frame) != number) ++wrong;
      ++number;
    }
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(reader.pop(frame), RingReader::Pop::kEmpty);
  }

  Segment segment_;
  WritableMapping mapping_;
};

TEST_F(RingThreadsTest, FramesArriveWholeAndInOrder) {
  pass(
      static_cast<std::uint64_t>(test::repetitions(4'000'000)), std::this_thread::yield, [] {},
      std::this_thread::yield);
}

TEST_F(RingThreadsTest, FramesArriveWholeAndInOrderAcrossTheLimitOf64Bits) {
  for (int round = 0; round < 10; ++round) {
    start_at(std::uint64_t{0} - 100'000 - static_cast<std::uint64_t>(round));
    pass(
        static_cast<std::uint64_t>(test::repetitions(100'000)), std::this_thread::yield, [] {},
        std::this_thread::yield);
    EXPECT_LT(halves().layout.head, std::uint64_t{1} << 63);
  }
}

TEST_F(RingThreadsTest, NoWakeUpIsLost) {
  const Doorbell bell = Doorbell::create();
  // Answers first and looks second, so the frame whose ring was answered here is found by the look.
  const auto wait = [&] {
    pollfd waited{bell.fd(), POLLIN, 0};
    ASSERT_EQ(poll(&waited, 1, -1), 1);
    bell.answer();
  };
  pass(
      static_cast<std::uint64_t>(test::repetitions(400'000)), std::this_thread::yield,
      [&] { bell.ring(); }, wait);
}

}  // namespace
}  // namespace gristmill::ipc
