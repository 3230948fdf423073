#include "ipc/control_segment.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>

#include "ipc/mapping.h"
#include "ipc/segment.h"
#include "tests/support/error_of.h"

namespace gristmill::ipc {
namespace {

constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
constexpr std::uintptr_t kLine = 128;

std::uintptr_t address(const void* of) { return reinterpret_cast<std::uintptr_t>(of); }

TEST(ChunkRangeTest, PackedRangesComeBack) {
  for (const ChunkRange range :
       {ChunkRange{0, 0}, ChunkRange{0, 1}, ChunkRange{7, 9}, ChunkRange{0, kMost},
        ChunkRange{kMost, kMost}, ChunkRange{kMost - 1, kMost}, ChunkRange{kMost, 0}}) {
    EXPECT_EQ(unpack_range(pack(range)), range) << range.begin << " to " << range.end;
  }
}

TEST(ChunkRangeTest, ZeroedWordIsAnEmptyRange) {
  EXPECT_TRUE(unpack_range(0).empty());
  EXPECT_EQ(unpack_range(0).size(), 0U);
}

TEST(StampTest, JobAndChunkComeBackAndAStampIsNeverZero) {
  for (const std::uint32_t job : {0U, 1U, 77U, kMost}) {
    // The last chunk of the largest job: a count of chunks has 32 bits.
    for (const std::uint32_t chunk : {0U, 1U, 1000U, kMost - 1}) {
      const std::uint64_t stamp = stamp_of(job, chunk);
      EXPECT_NE(stamp, 0U);
      EXPECT_EQ(job_of_stamp(stamp), job);
      EXPECT_EQ(chunk_of_stamp(stamp), chunk);
    }
  }
}

TEST(LedgerTagTest, IsNeverOpenOrConvicted) {
  for (std::uint64_t key = 0; key < 64; ++key) {
    for (std::uint32_t chunk = 0; chunk < 20'000; ++chunk) {
      const std::uint32_t tag = ledger_tag(key << (key % 60), chunk);
      ASSERT_NE(tag, kOpen);
      ASSERT_NE(tag, kConvicted);
    }
  }
}

TEST(LedgerTagTest, IsNotOpenOrConvictedWhereTheHashIs) {
  // Found by running the hash backwards: it is 0 and 0xFFFFFFFF here.
  EXPECT_EQ(ledger_tag(0x90C7DE5A25188298U, 5), 1U);
  EXPECT_EQ(ledger_tag(0x6469EF9525188298U, 5), 1U);
}

TEST(LedgerTagTest, DependsOnTheKeyAndOnTheChunk) {
  std::set<std::uint32_t> tags;
  for (std::uint64_t key = 1; key <= 10; ++key) {
    for (std::uint32_t chunk = 0; chunk < 100; ++chunk) tags.insert(ledger_tag(key, chunk));
  }
  // Of a thousand 32-bit hashes two or so may be the same by chance, hardly more.
  EXPECT_GE(tags.size(), 997U);
}

TEST(LedgerTagTest, IsTheSameInEveryProcess) {
  EXPECT_EQ(ledger_tag(42, 7), ledger_tag(42, 7));
  EXPECT_EQ(ledger_tag(0, kMost), ledger_tag(0, kMost));
}

struct Memory {
  explicit Memory(std::int64_t size_bytes) : segment(Segment::create(size_bytes)) {}

  Segment segment;
  WritableMapping mapping{segment.fd(), 0, segment.size_bytes()};
};

TEST(ControlSegmentTest, StartsWithEmptyPartitionsAndAnOpenLedger) {
  const Memory memory(ControlSegment::size_bytes(3, 100));
  const ControlSegment control(memory.mapping.bytes(), 3, 100);
  EXPECT_EQ(control.slots(), 3U);
  EXPECT_EQ(control.chunks(), 100U);
  EXPECT_EQ(control.stop(), 0U);
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    const SlotWords& words = control.slot(slot);
    EXPECT_TRUE(unpack_range(words.partition).empty());
    EXPECT_EQ(words.executing, 0U);
    EXPECT_EQ(words.lease, 0U);
    EXPECT_EQ(words.chunks_done, 0U);
    EXPECT_EQ(words.items_done, 0U);
    EXPECT_EQ(words.leases, 0U);
    EXPECT_EQ(words.stolen_leases, 0U);
    EXPECT_EQ(words.busy_nanoseconds, 0U);
    EXPECT_EQ(words.first_chunk_nanoseconds, 0U);
    for (const auto& chunks : words.chunk_times) EXPECT_EQ(chunks, 0U);
  }
  for (std::uint32_t chunk = 0; chunk < 100; ++chunk) EXPECT_EQ(control.ledger(chunk), kOpen);
}

TEST(ControlSegmentTest, EveryWordHasAPlaceOfItsOwnThatAllMappingsSee) {
  const Memory memory(ControlSegment::size_bytes(4, 1000));
  const ControlSegment writer(memory.mapping.bytes(), 4, 1000);
  const WritableMapping other(memory.segment.fd(), 0, memory.segment.size_bytes());
  const ControlSegment reader(other.bytes(), 4, 1000);
  writer.stop() = 9;
  std::uint64_t next = 0;
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    SlotWords& words = writer.slot(slot);
    for (auto* word : {&words.partition, &words.executing, &words.lease, &words.chunks_done,
                       &words.items_done, &words.leases, &words.stolen_leases,
                       &words.busy_nanoseconds, &words.first_chunk_nanoseconds}) {
      *word = ++next;
    }
  }
  for (std::uint32_t chunk = 0; chunk < 1000; ++chunk) writer.ledger(chunk) = 1'000'000 + chunk;

  EXPECT_EQ(reader.stop(), 9U);
  next = 0;
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    const SlotWords& words = reader.slot(slot);
    for (const auto* word : {&words.partition, &words.executing, &words.lease, &words.chunks_done,
                             &words.items_done, &words.leases, &words.stolen_leases,
                             &words.busy_nanoseconds, &words.first_chunk_nanoseconds}) {
      EXPECT_EQ(*word, ++next);
    }
  }
  for (std::uint32_t chunk = 0; chunk < 1000; ++chunk) {
    ASSERT_EQ(reader.ledger(chunk), 1'000'000 + chunk);
  }
}

TEST(ControlSegmentTest, SlotsDoNotShareCacheLines) {
  const Memory memory(ControlSegment::size_bytes(3, 5));
  const ControlSegment control(memory.mapping.bytes(), 3, 5);
  std::set<std::uintptr_t> lines{address(&control.stop()) / kLine};
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    // What others write and what only the owner writes lie apart, too.
    EXPECT_EQ(address(&control.slot(slot).partition) % kLine, 0U);
    EXPECT_TRUE(lines.insert(address(&control.slot(slot).partition) / kLine).second);
    EXPECT_TRUE(lines.insert(address(&control.slot(slot).executing) / kLine).second);
  }
  EXPECT_TRUE(lines.insert(address(&control.ledger(0)) / kLine).second);
}

TEST(ControlSegmentTest, ASegmentThatIsTooSmallIsRefused) {
  const Memory memory(ControlSegment::size_bytes(2, 100));
  EXPECT_NO_THROW(ControlSegment(memory.mapping.bytes(), 2, 100));
  for (const auto& [slots, chunks] :
       {std::pair{2U, 101U}, {3U, 100U}, {2U, kMost}, {kMost, 100U}, {kMost, kMost}}) {
    const Error error = test::error_of(
        [&, s = slots, c = chunks] { const ControlSegment control(memory.mapping.bytes(), s, c); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid) << slots << " slots, " << chunks << " chunks";
  }
}

TEST(ControlSegmentTest, AJobMayHaveNoChunks) {
  const Memory memory(ControlSegment::size_bytes(1, 0));
  const ControlSegment control(memory.mapping.bytes(), 1, 0);
  EXPECT_EQ(control.chunks(), 0U);
  EXPECT_EQ(control.slot(0).partition, 0U);
}

}  // namespace
}  // namespace gristmill::ipc
