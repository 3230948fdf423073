#include "ipc/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/repetitions.h"

namespace gristmill::ipc {
namespace {

using Pop = RingReader::Pop;

#ifdef __SANITIZE_THREAD__
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif

std::unique_ptr<RingLayout> layout_at(std::uint64_t index) {
  auto layout = std::make_unique<RingLayout>();
  layout->head = index;
  return layout;
}

std::unique_ptr<RingCursor> cursor_at(std::uint64_t index) {
  auto cursor = std::make_unique<RingCursor>();
  cursor->tail = index;
  return cursor;
}

// Both halves of a ring, each an allocation of its own so that a step beyond one is seen, with both
// indexes at the same place.
struct Ring {
  explicit Ring(std::uint64_t index = 0)
      : layout(layout_at(index)),
        cursor(cursor_at(index)),
        writer(*layout, *cursor),
        reader(*layout, *cursor) {}

  // Writes the length of a frame as a broken writer might.
  void put_length(std::uint64_t index, std::uint32_t length) {
    for (std::size_t i = 0; i < sizeof(length); ++i) {
      layout->frames[(index + i) % kRingBytes] = static_cast<std::byte>(length >> (8 * i));
    }
  }

  std::unique_ptr<RingLayout> layout;
  std::unique_ptr<RingCursor> cursor;
  RingWriter writer;
  RingReader reader;
};

std::vector<std::byte> frame_of(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> frame(size);
  for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<std::byte>(seed * 37 + i * 11);
  return frame;
}

void expect_comes_out(Ring& ring, const std::vector<std::byte>& expected) {
  std::vector<std::byte> frame;
  ASSERT_EQ(ring.reader.pop(frame), Pop::kFrame);
  ASSERT_TRUE(frame == expected) << "frame of " << expected.size() << " bytes";
}

void expect_passes(Ring& ring, std::size_t size) {
  const std::vector<std::byte> frame = frame_of(size, static_cast<unsigned>(size));
  ASSERT_TRUE(ring.writer.push(frame)) << size;
  expect_comes_out(ring, frame);
}

TEST(RingTest, FreshRingIsEmpty) {
  Ring ring;
  std::vector<std::byte> frame;
  EXPECT_EQ(ring.reader.pop(frame), Pop::kEmpty);
  EXPECT_FALSE(ring.writer.corrupt());
}

TEST(RingTest, FramesComeOutAsTheyWentInAndInOrder) {
  Ring ring;
  for (unsigned i = 1; i <= 100; ++i) ASSERT_TRUE(ring.writer.push(frame_of(i, i)));
  for (unsigned i = 1; i <= 100; ++i) expect_comes_out(ring, frame_of(i, i));
  std::vector<std::byte> frame;
  EXPECT_EQ(ring.reader.pop(frame), Pop::kEmpty);
}

TEST(RingTest, PopReplacesWhatWasInTheFrame) {
  Ring ring;
  ASSERT_TRUE(ring.writer.push(frame_of(3)));
  std::vector<std::byte> frame = frame_of(500, 9);
  ASSERT_EQ(ring.reader.pop(frame), Pop::kFrame);
  EXPECT_EQ(frame, frame_of(3));
}

TEST(RingTest, FramesOfAnyLengthPass) {
  Ring ring;
  for (std::size_t size = 1; size <= 4096; ++size) expect_passes(ring, size);
  for (std::size_t size = 4097; size <= kMaxFrameBytes; size += 509) expect_passes(ring, size);
  for (std::size_t size = kMaxFrameBytes - 16; size <= kMaxFrameBytes; ++size) {
    expect_passes(ring, size);
  }
}

TEST(RingTest, PushFailsWhenFullAndChangesNothing) {
  Ring ring;
  unsigned pushed = 0;
  while (ring.writer.push(frame_of(1000, pushed))) ++pushed;
  EXPECT_EQ(pushed, kRingBytes / 1008);
  const std::uint64_t head = ring.layout->head;
  EXPECT_FALSE(ring.writer.push(frame_of(1000)));
  EXPECT_EQ(ring.layout->head, head);
  EXPECT_FALSE(ring.writer.corrupt());
  for (unsigned i = 0; i < pushed; ++i) expect_comes_out(ring, frame_of(1000, i));
}

TEST(RingTest, RoomComesBackWithEachPop) {
  Ring ring;
  while (ring.writer.push(frame_of(1000))) {
  }
  expect_comes_out(ring, frame_of(1000));
  EXPECT_TRUE(ring.writer.push(frame_of(1000)));
  EXPECT_FALSE(ring.writer.push(frame_of(1000)));
}

TEST(RingTest, FillsToTheLastByte) {
  // With its length and padding each frame takes a quarter of the ring.
  Ring ring;
  for (unsigned i = 0; i < 4; ++i) ASSERT_TRUE(ring.writer.push(frame_of(kRingBytes / 4 - 4, i)));
  EXPECT_EQ(ring.layout->head, kRingBytes);
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
  for (unsigned i = 0; i < 4; ++i) expect_comes_out(ring, frame_of(kRingBytes / 4 - 4, i));
}

TEST(RingTest, LastEightBytesTakeAFrameOfFourAndNoneOfFive) {
  Ring ring;
  for (unsigned i = 0; i < 3; ++i) ASSERT_TRUE(ring.writer.push(frame_of(kRingBytes / 4 - 4, i)));
  ASSERT_TRUE(ring.writer.push(frame_of(kRingBytes / 4 - 12)));
  EXPECT_FALSE(ring.writer.push(frame_of(5)));
  EXPECT_TRUE(ring.writer.push(frame_of(4)));
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
}

TEST(RingTest, FramesMayLieAcrossTheEndOfTheBufferAtAnyByte) {
  for (std::uint64_t before_end = 1; before_end <= 320; ++before_end) {
    Ring ring(kRingBytes - before_end);
    for (const std::size_t size : {1, 4, 5, 100, 300}) {
      ASSERT_NO_FATAL_FAILURE(expect_passes(ring, size)) << before_end << " bytes before the end";
    }
  }
}

TEST(RingTest, IndexesMayPassTheLimitOf64Bits) {
  for (const std::uint64_t before_limit : {1, 3, 4, 7, 8, 12, 100, 4096, 70'000}) {
    Ring ring(std::uint64_t{0} - before_limit);
    for (std::size_t size = 1; size <= 400; ++size) {
      ASSERT_NO_FATAL_FAILURE(expect_passes(ring, size)) << before_limit << " before the limit";
    }
    EXPECT_LT(ring.layout->head, kRingBytes);
  }
}

TEST(RingTest, FillsToTheLastByteAcrossTheLimitOf64Bits) {
  Ring ring(std::uint64_t{0} - kRingBytes / 2);
  for (unsigned i = 0; i < 4; ++i) ASSERT_TRUE(ring.writer.push(frame_of(kRingBytes / 4 - 4, i)));
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
  EXPECT_FALSE(ring.writer.corrupt());
  for (unsigned i = 0; i < 4; ++i) expect_comes_out(ring, frame_of(kRingBytes / 4 - 4, i));
  expect_passes(ring, kMaxFrameBytes);
}

TEST(RingTest, ANewReaderGoesOnWhereTheLastOneStopped) {
  Ring ring;
  ASSERT_TRUE(ring.writer.push(frame_of(10, 1)));
  ASSERT_TRUE(ring.writer.push(frame_of(20, 2)));
  expect_comes_out(ring, frame_of(10, 1));
  RingReader next(*ring.layout, *ring.cursor);
  std::vector<std::byte> frame;
  ASSERT_EQ(next.pop(frame), Pop::kFrame);
  EXPECT_EQ(frame, frame_of(20, 2));
}

// What a broken writer may do, and the reader's answer.

Pop pop_of(Ring& ring) {
  std::vector<std::byte> frame;
  return ring.reader.pop(frame);
}

TEST(RingTest, HeadBeyondTheCapacityIsCorrupt) {
  for (const std::uint64_t beyond : {1, 8, 4096}) {
    Ring ring;
    ring.put_length(0, 4);
    ring.layout->head = kRingBytes + beyond;
    EXPECT_EQ(pop_of(ring), Pop::kCorrupt) << beyond;
  }
  for (const std::uint64_t head : {std::uint64_t{1} << 32, std::uint64_t{1} << 63}) {
    Ring ring;
    ring.put_length(0, 4);
    ring.layout->head = head;
    EXPECT_EQ(pop_of(ring), Pop::kCorrupt) << head;
  }
}

TEST(RingTest, HeadThatGoesBackwardsIsCorrupt) {
  for (const std::uint64_t back : {1, 8, 100}) {
    Ring ring(1000);
    expect_passes(ring, 100);
    ring.layout->head -= back;
    EXPECT_EQ(pop_of(ring), Pop::kCorrupt) << back;
  }
}

TEST(RingTest, FrameOfLengthZeroIsCorrupt) {
  Ring ring;
  ring.put_length(0, 0);
  ring.layout->head = 8;
  EXPECT_EQ(pop_of(ring), Pop::kCorrupt);
}

TEST(RingTest, FrameBeyondTheLimitIsCorrupt) {
  for (const std::uint32_t length : {kMaxFrameBytes + 1, kRingBytes - 4, kRingBytes, 0x7FFFFFFFU,
                                     0x80000000U, 0xFFFFFFF8U, 0xFFFFFFFCU, 0xFFFFFFFFU}) {
    Ring ring;
    ring.put_length(0, length);
    ring.layout->head = kRingBytes;
    EXPECT_EQ(pop_of(ring), Pop::kCorrupt) << length;
  }
}

TEST(RingTest, FrameBeyondWhatIsPublishedIsCorrupt) {
  for (const std::uint32_t length : {5U, 12U, 1000U, kMaxFrameBytes}) {
    Ring ring;
    ring.put_length(0, length);
    ring.layout->head = 8;
    EXPECT_EQ(pop_of(ring), Pop::kCorrupt) << length;
  }
}

TEST(RingTest, HeadInsideTheLengthOrThePaddingIsCorrupt) {
  for (std::uint64_t head = 1; head < 8; ++head) {
    Ring ring;
    ring.put_length(0, 1);
    ring.layout->head = head;
    EXPECT_EQ(pop_of(ring), Pop::kCorrupt) << head;
  }
}

TEST(RingTest, CorruptionIsForEverAndTakesNothing) {
  Ring ring;
  ASSERT_TRUE(ring.writer.push(frame_of(100)));
  const std::uint64_t head = ring.layout->head;
  ring.layout->head = kRingBytes * 2;
  EXPECT_EQ(pop_of(ring), Pop::kCorrupt);
  ring.layout->head = head;
  EXPECT_EQ(pop_of(ring), Pop::kCorrupt);
  EXPECT_EQ(ring.cursor->tail, 0U);
}

TEST(RingTest, FramesBeforeTheCorruptOneStillComeOut) {
  Ring ring;
  ASSERT_TRUE(ring.writer.push(frame_of(100)));
  ring.put_length(ring.layout->head, 0);
  ring.layout->head += 8;
  expect_comes_out(ring, frame_of(100));
  EXPECT_EQ(pop_of(ring), Pop::kCorrupt);
}

// What a broken reader may do, and the writer's answer.

TEST(RingTest, ReadersIndexBeforeTheWritersIsCorrupt) {
  Ring ring(1000);
  ring.cursor->tail = 1001;
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
  EXPECT_TRUE(ring.writer.corrupt());
}

TEST(RingTest, ReadersIndexTooFarBehindTheWritersIsCorrupt) {
  Ring ring(kRingBytes * 2);
  ring.cursor->tail = kRingBytes - 1;
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
  EXPECT_TRUE(ring.writer.corrupt());
}

TEST(RingTest, WriterRefusesForEverOnceTheReadersIndexWasImpossible) {
  Ring ring;
  ring.cursor->tail = 8;
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
  ring.cursor->tail = 0;
  EXPECT_FALSE(ring.writer.push(frame_of(1)));
  EXPECT_TRUE(ring.writer.corrupt());
  EXPECT_EQ(ring.layout->head, 0U);
}

// Takes all frames; true if the reader found the ring corrupt. Each frame must be within the
// limits.
bool drain(RingReader& reader) {
  std::vector<std::byte> frame;
  for (;;) {
    const Pop pop = reader.pop(frame);
    if (pop != Pop::kFrame) return pop == Pop::kCorrupt;
    EXPECT_GE(frame.size(), 1U);
    EXPECT_LE(frame.size(), kMaxFrameBytes);
  }
}

TEST(RingTest, RandomBytesInTheWritersHalfNeverHarmTheReader) {
  std::mt19937_64 random(20240611);
  const auto layout = layout_at(0);
  const auto cursor = cursor_at(0);
  for (auto& byte : layout->frames) byte = static_cast<std::byte>(random());
  long corrupt = 0;
  const long rounds = test::repetitions(400'000);
  for (long round = 0; round < rounds; ++round) {
    cursor->tail = random() >> (random() % 64);
    RingReader reader(*layout, *cursor);
    // Some lengths that make sense, or nearly.
    std::uint64_t index = cursor->tail;
    for (int i = 0; i < 4; ++i) {
      const auto length = static_cast<std::uint32_t>(random() >> (32 + random() % 32));
      for (std::size_t k = 0; k < sizeof(length); ++k) {
        layout->frames[(index + k) % kRingBytes] = static_cast<std::byte>(length >> (8 * k));
      }
      index += (length + 4 + 7) / 8 * 8;
    }
    const std::uint64_t heads[] = {random(), cursor->tail + random() % (2 * kRingBytes), index,
                                   index - 8, cursor->tail - 1};
    layout->head = heads[random() % std::size(heads)];
    if (drain(reader)) ++corrupt;
  }
  EXPECT_GT(corrupt, rounds / 10);
  EXPECT_LT(corrupt, rounds);
}

TEST(RingTest, RandomReadersIndexesNeverHarmTheWriter) {
  std::mt19937_64 random(20240612);
  const auto layout = layout_at(0);
  const auto cursor = cursor_at(0);
  const std::vector<std::byte> frame = frame_of(kMaxFrameBytes);
  for (long round = 0; round < test::repetitions(40'000); ++round) {
    layout->head = random();
    cursor->tail = random() % 2 == 0 ? random() : layout->head - random() % (2 * kRingBytes);
    RingWriter writer(*layout, *cursor);
    for (int i = 0; i < 5; ++i) {
      if (!writer.push(std::span(frame).first(1 + random() % kMaxFrameBytes))) break;
      ASSERT_LE(layout->head - cursor->tail, kRingBytes);
    }
  }
}

// Changes the head and the lengths that the reader is about to read, between sense and nonsense.
void hammer(RingLayout& layout, const RingCursor& cursor, const std::atomic<bool>& stop) {
  std::mt19937_64 random(20240613);
  constexpr std::uint32_t kLengths[] = {
      1, 4, 60, 4096, kMaxFrameBytes, 0xFFFFFFFF, 0x80000000, 0, kMaxFrameBytes + 1};
  while (!stop) {
    const std::uint64_t tail = cursor.tail;
    auto* word = reinterpret_cast<std::uint32_t*>(layout.frames.data() + tail % kRingBytes);
    const std::atomic_ref<std::uint32_t> length(*word);
    layout.head = tail + (random() % 4 == 0 ? random() : random() % kRingBytes & ~7U);
    for (int i = 0; i < 8; ++i) length = kLengths[random() % std::size(kLengths)];
  }
}

TEST(RingTest, WriterThatChangesWhatIsBeingReadNeverHarmsTheReader) {
  if (kThreadSanitizer) GTEST_SKIP() << "it is the race with the frame's bytes that is tested";
  const auto layout = layout_at(0);
  const auto cursor = cursor_at(0);
  std::atomic<bool> stop = false;
  std::thread writer([&] { hammer(*layout, *cursor, stop); });
  const long wanted = test::repetitions(1'000'000);
  constexpr long kEnough = 100;
  long frames = 0;
  long corrupt = 0;
  std::vector<std::byte> frame;
  for (long pops = 0; pops < wanted || frames < kEnough || corrupt < kEnough; ++pops) {
    RingReader reader(*layout, *cursor);
    const Pop pop = reader.pop(frame);
    if (pop == Pop::kCorrupt) ++corrupt;
    // Nothing changes while the two share a processor.
    if (pops % 1024 == 0) std::this_thread::yield();
    if (pop != Pop::kFrame) continue;
    ++frames;
    if (frame.empty() || frame.size() > kMaxFrameBytes) {
      ADD_FAILURE() << "frame of " << frame.size() << " bytes";
    }
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace gristmill::ipc
