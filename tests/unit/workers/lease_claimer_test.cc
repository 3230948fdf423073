#include "workers/lease_claimer.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ipc/mapping.h"
#include "ipc/segment.h"
#include "tests/support/error_of.h"
#include "tests/support/repetitions.h"

namespace gristmill::workers {
namespace {

using ipc::ChunkRange;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A job of so many slots and chunks, all partitions empty.
struct Control {
  Control(std::uint32_t slots, std::uint32_t chunks)
      : segment(ipc::Segment::create(ipc::ControlSegment::size_bytes(slots, chunks))),
        words(mapping.bytes(), slots, chunks) {}

  void give(std::uint32_t slot, ChunkRange range) { words.slot(slot).partition = pack(range); }
  ChunkRange partition(std::uint32_t slot) const {
    return ipc::unpack_range(words.slot(slot).partition);
  }

  ipc::Segment segment;
  ipc::WritableMapping mapping{segment.fd(), 0, segment.size_bytes()};
  ipc::ControlSegment words;
};

TEST(LeaseClaimerTest, NothingIsLeftWhenAllPartitionsAreEmpty) {
  const Control control(3, 100);
  EXPECT_FALSE(LeaseClaimer(control.words, 0).claim());
}

TEST(LeaseClaimerTest, TheFirstLeaseIsOneChunkOfTheFrontOfTheOwnPartition) {
  Control control(2, 100);
  control.give(0, {10, 60});
  control.give(1, {60, 100});
  const std::optional<Lease> lease = LeaseClaimer(control.words, 0).claim();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->chunks, (ChunkRange{10, 11}));
  EXPECT_FALSE(lease->stolen);
  EXPECT_EQ(control.partition(0), (ChunkRange{11, 60}));
  EXPECT_EQ(control.partition(1), (ChunkRange{60, 100}));
}

TEST(LeaseClaimerTest, StealsOneChunkFromTheBackOfTheFullestFirst) {
  Control control(4, 100);
  control.give(1, {0, 10});
  control.give(2, {10, 40});
  control.give(3, {40, 60});
  const std::optional<Lease> lease = LeaseClaimer(control.words, 0).claim();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->chunks, (ChunkRange{39, 40}));
  EXPECT_TRUE(lease->stolen);
  EXPECT_EQ(control.partition(1), (ChunkRange{0, 10}));
  EXPECT_EQ(control.partition(2), (ChunkRange{10, 39}));
  EXPECT_EQ(control.partition(3), (ChunkRange{40, 60}));
}

TEST(LeaseClaimerTest, StealsOnlyWhenItsOwnPartitionIsEmpty) {
  Control control(2, 100);
  control.give(0, {5, 6});
  control.give(1, {20, 90});
  LeaseClaimer claimer(control.words, 0);
  EXPECT_FALSE(claimer.claim().value().stolen);
  EXPECT_TRUE(claimer.claim().value().stolen);
}

TEST(LeaseClaimerTest, TheLastChunkOfAnotherIsTakenToo) {
  Control control(2, 100);
  control.give(1, {7, 8});
  LeaseClaimer claimer(control.words, 0);
  EXPECT_EQ(claimer.claim().value().chunks, (ChunkRange{7, 8}));
  EXPECT_TRUE(control.partition(1).empty());
  EXPECT_FALSE(claimer.claim());
}

TEST(LeaseClaimerTest, PublishesTheLeaseInItsOwnSlot) {
  Control control(2, 100);
  control.give(0, {10, 11});
  control.give(1, {30, 40});
  LeaseClaimer claimer(control.words, 0);
  claimer.claim();
  EXPECT_EQ(control.words.slot(0).lease, pack(ChunkRange{10, 11}));
  claimer.claim();
  EXPECT_EQ(control.words.slot(0).lease, pack(ChunkRange{39, 40}));
  EXPECT_EQ(control.words.slot(1).lease, 0U);
}

// The length of the next lease from a partition of so many chunks.
std::uint32_t length_of_next(LeaseClaimer& claimer, Control& control, std::uint32_t available) {
  control.give(0, {0, available});
  const std::optional<Lease> lease = claimer.claim();
  return lease ? lease->chunks.size() : 0;
}

TEST(LeaseClaimerTest, ALeaseIsAboutTwoHundredMicrosecondsOfWork) {
  Control control(1, 1'000'000);
  for (const auto& [chunk_time, expected] :
       {std::pair<nanoseconds, std::uint32_t>{nanoseconds(100), 2000},
        {microseconds(1), 200},
        {microseconds(10), 20},
        {microseconds(150), 1},
        {microseconds(200), 1},
        {milliseconds(50), 1}}) {
    LeaseClaimer claimer(control.words, 0);
    claimer.record(7, 7 * chunk_time);
    EXPECT_EQ(length_of_next(claimer, control, 1'000'000), expected) << chunk_time.count() << " ns";
  }
}

TEST(LeaseClaimerTest, ALeaseIsNeverMoreThanAQuarterOfWhatRemains) {
  Control control(1, 1000);
  LeaseClaimer claimer(control.words, 0);
  claimer.record(1, nanoseconds(1));
  for (const auto& [available, expected] : {std::pair{1000U, 250U},
                                            {100U, 25U},
                                            {99U, 24U},
                                            {8U, 2U},
                                            {7U, 1U},
                                            {4U, 1U},
                                            {3U, 1U},
                                            {1U, 1U}}) {
    EXPECT_EQ(length_of_next(claimer, control, available), expected) << available;
  }
}

TEST(LeaseClaimerTest, StolenLeasesFollowTheSameRule) {
  Control control(2, 1000);
  LeaseClaimer claimer(control.words, 0);
  claimer.record(1, nanoseconds(1));
  control.give(1, {0, 1000});
  EXPECT_EQ(claimer.claim().value().chunks, (ChunkRange{750, 1000}));
  EXPECT_EQ(claimer.claim().value().chunks, (ChunkRange{563, 750}));
}

TEST(LeaseClaimerTest, SlowerChunksMakeShorterLeasesLittleByLittle) {
  Control control(1, 1'000'000);
  LeaseClaimer claimer(control.words, 0);
  claimer.record(1, microseconds(1));
  const std::uint32_t fast = length_of_next(claimer, control, 1'000'000);
  claimer.record(1, microseconds(9));
  const std::uint32_t between = length_of_next(claimer, control, 1'000'000);
  EXPECT_LT(between, fast);
  EXPECT_GT(between, 200U / 9);
}

TEST(LeaseClaimerTest, ALeaseOfWhichNoChunkWasRunSaysNothing) {
  Control control(1, 1'000'000);
  LeaseClaimer claimer(control.words, 0);
  claimer.record(0, milliseconds(5));
  EXPECT_EQ(length_of_next(claimer, control, 1'000'000), 1U);
  claimer.record(1, microseconds(1));
  claimer.record(0, milliseconds(5));
  EXPECT_EQ(length_of_next(claimer, control, 1'000'000), 200U);
}

TEST(LeaseClaimerTest, ATimeTooShortToMeasureIsNoDivisionByZero) {
  Control control(1, 1000);
  LeaseClaimer claimer(control.words, 0);
  claimer.record(1, nanoseconds(0));
  EXPECT_GE(length_of_next(claimer, control, 1000), 1U);
}

TEST(LeaseClaimerTest, APartitionThatNoJobCanHaveIsRefused) {
  for (const ChunkRange impossible :
       {ChunkRange{0, 101}, ChunkRange{100, 101}, ChunkRange{50, 40}, ChunkRange{0, 0xFFFFFFFF},
        ChunkRange{0xFFFFFFFF, 0}, ChunkRange{0xFFFFFFFF, 0xFFFFFFFF}}) {
    for (const std::uint32_t slot : {0U, 1U}) {
      Control control(2, 100);
      control.give(slot, impossible);
      LeaseClaimer claimer(control.words, 0);
      const Error error = test::error_of([&] { claimer.claim(); });
      EXPECT_EQ(error.code(), ErrorCode::kInternal) << impossible.begin << " to " << impossible.end;
      EXPECT_EQ(control.partition(slot), impossible);
    }
  }
}

// Every chunk exactly once, whatever the partitions and the pace.

enum class Share { kEven, kAllInTheFirst, kAllInTheLast, kUneven };

void share_out(Control& control, Share share) {
  const std::uint32_t slots = control.words.slots();
  const std::uint64_t chunks = control.words.chunks();
  const auto boundary = [&](std::uint64_t slot) {
    switch (share) {
      case Share::kAllInTheFirst:
        return slot == 0 ? 0 : chunks;
      case Share::kAllInTheLast:
        return slot == slots ? chunks : 0;
      case Share::kUneven:
        return chunks * slot * slot / (std::uint64_t{slots} * slots);
      default:
        return chunks * slot / slots;
    }
  };
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    control.give(slot, {static_cast<std::uint32_t>(boundary(slot)),
                        static_cast<std::uint32_t>(boundary(slot + 1))});
  }
}

// Claims until nothing is left, and counts each chunk in the ledger.
void work(const ipc::ControlSegment& control, std::uint32_t slot, nanoseconds pace,
          std::latch& start) {
  LeaseClaimer claimer(control, slot);
  start.arrive_and_wait();
  while (const std::optional<Lease> lease = claimer.claim()) {
    for (std::uint32_t chunk = lease->chunks.begin; chunk < lease->chunks.end; ++chunk) {
      control.ledger(chunk).fetch_add(1, std::memory_order_relaxed);
    }
    claimer.record(lease->chunks.size(), pace * lease->chunks.size());
  }
}

using Combination = std::tuple<std::uint32_t, std::uint32_t, nanoseconds, Share>;

class LeaseClaimerThreadsTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  static void expect_each_chunk_once(const Combination& combination) {
    const auto& [slots, chunks, pace, share] = combination;
    Control control(slots, chunks);
    share_out(control, share);
    std::latch start(slots);
    std::vector<std::thread> threads;
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      threads.emplace_back([&, slot, p = pace] { work(control.words, slot, p, start); });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      EXPECT_TRUE(control.partition(slot).empty());
    }
    for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
      ASSERT_EQ(control.words.ledger(chunk), 1U)
          << "chunk " << chunk << " of " << chunks << ", " << slots << " slots, " << pace.count()
          << " ns, share " << static_cast<int>(share);
    }
  }
};

TEST_P(LeaseClaimerThreadsTest, EveryChunkIsClaimedExactlyOnce) {
  const std::uint32_t slots = GetParam();
  for (const std::uint32_t chunks : {0U, 1U, 2U, 7U, 64U, 1000U, 20'000U}) {
    for (const nanoseconds pace : {nanoseconds(1), nanoseconds(2000), nanoseconds(1'000'000)}) {
      for (const Share share :
           {Share::kEven, Share::kAllInTheFirst, Share::kAllInTheLast, Share::kUneven}) {
        ASSERT_NO_FATAL_FAILURE(expect_each_chunk_once({slots, chunks, pace, share}));
      }
    }
  }
}

TEST_P(LeaseClaimerThreadsTest, EveryChunkIsClaimedExactlyOnceAgainAndAgain) {
  for (long round = 0; round < test::repetitions(400); ++round) {
    ASSERT_NO_FATAL_FAILURE(
        expect_each_chunk_once({GetParam(), 500, nanoseconds(50'000), Share::kUneven}));
  }
}

INSTANTIATE_TEST_SUITE_P(Slots, LeaseClaimerThreadsTest, testing::Values(1, 2, 3, 5, 8),
                         [](const auto& slots) { return std::to_string(slots.param); });

}  // namespace
}  // namespace gristmill::workers
