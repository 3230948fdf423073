#include "workers/partials.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "ipc/segment.h"
#include "tests/support/error_of.h"

namespace gristmill::workers {
namespace {

// A text, ended by a zero. So the order in which texts are merged can be read.
constexpr std::int64_t kTextBytes = 32;
constexpr std::byte kStale{0xA5};

std::string_view text_at(const void* accumulator) { return static_cast<const char*>(accumulator); }

class AppendingKernel : public OpenKernel {
 public:
  void run(const Items&, void*) override {}
  void merge(void* into, const void* from) override {
    if (text_at(from) == "fails") throw Error(ErrorCode::kFailed, "no");
    std::strcat(static_cast<char*>(into), static_cast<const char*>(from));
  }
  void finish(const void*) override {}
  std::vector<ipc::Counter> counters() const override { return {}; }
};

// Five leaves, which are merged up to three at a time: two merges and the root. Chunks are numbered
// 0 to 4, merges 5 to 7. All of the memory is stale at first.
class PartialsTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kChunks = 5;
  static constexpr std::uint32_t kSlots = 5;
  static constexpr std::int64_t kStride = 128;
  static constexpr std::int64_t kOffset = 256;
  static constexpr std::int64_t kBytes = kOffset + kStride * 8;

  PartialsTest() {
    std::fill_n(memory_.data(), kBytes, kStale);
    sent_ = {.accumulator_bytes = kTextBytes,
             .stride_bytes = kStride,
             .leaves = kChunks,
             .fan_in = 3,
             .exact = false,
             .placement = {0, 1, 0, kBytes, kOffset, false}};
  }

  Partials partials(std::uint32_t slot = 0, std::uint32_t chunks = kChunks) {
    return {sent_, memory_, control_, slot, chunks};
  }
  std::byte* at(std::int64_t partial) { return memory_.data() + kOffset + kStride * partial; }
  void set(std::int64_t partial, std::string_view text) {
    std::copy(text.begin(), text.end(), reinterpret_cast<char*>(at(partial)));
    at(partial)[text.size()] = std::byte{0};
  }
  void set_leaves() {
    for (std::int64_t leaf = 0; leaf < kChunks; ++leaf)
      set(leaf, std::string_view("abcde").substr(static_cast<std::size_t>(leaf), 1));
  }
  std::string_view merged(Partials& partials, std::uint32_t chunk) {
    return text_at(partials.merge(kernel_, chunk));
  }
  static bool all_are(const std::byte* begin, std::int64_t size_bytes, std::byte value) {
    return std::all_of(begin, begin + size_bytes, [=](std::byte byte) { return byte == value; });
  }

  ipc::Segment segment_ = ipc::Segment::create(kBytes);
  MappedMemory memory_{segment_.fd(), {0, 1, 0, kBytes, 0, false}, ipc::Access::kWrite};
  ipc::Segment control_segment_ =
      ipc::Segment::create(ipc::ControlSegment::size_bytes(kSlots, kChunks + 3));
  ipc::WritableMapping control_memory_{control_segment_.fd(), 0, control_segment_.size_bytes()};
  ipc::ControlSegment control_{control_memory_.bytes(), kSlots, kChunks + 3};
  ipc::Partials sent_;
  AppendingKernel kernel_;
};

TEST_F(PartialsTest, AChunkAddsToZerosOverWhateverWasThere) {
  Partials partials = this->partials();
  EXPECT_EQ(partials.accumulator_for(2), at(2));
  EXPECT_TRUE(all_are(at(2), kTextBytes, std::byte{0}));
}

TEST_F(PartialsTest, AChunkThatIsRunAgainStartsFromZerosAgain) {
  Partials partials = this->partials();
  partials.accumulator_for(2);
  set(2, "half done");
  partials.accumulator_for(2);
  EXPECT_TRUE(all_are(at(2), kTextBytes, std::byte{0}));
}

TEST_F(PartialsTest, NothingButTheAccumulatorIsTouched) {
  partials().accumulator_for(2);
  EXPECT_TRUE(all_are(memory_.data(), at(2) - memory_.data(), kStale));
  EXPECT_TRUE(all_are(at(2) + kTextBytes, kBytes - kOffset - 2 * kStride - kTextBytes, kStale));
}

TEST_F(PartialsTest, MergesAreInTheOrderOfTheirInputs) {
  set_leaves();
  Partials partials = this->partials();
  EXPECT_EQ(merged(partials, 6), "de");
  EXPECT_EQ(merged(partials, 5), "abc");
  EXPECT_EQ(merged(partials, 7), "abcde");
}

TEST_F(PartialsTest, AMergeLeavesItsInputsAsTheyWere) {
  set_leaves();
  Partials partials = this->partials();
  partials.merge(kernel_, 5);
  EXPECT_EQ(text_at(at(0)), "a");
  EXPECT_EQ(text_at(at(2)), "c");
  EXPECT_TRUE(all_are(at(6), kTextBytes, kStale));
}

TEST_F(PartialsTest, AMergeThatIsRunAgainGivesTheSameBytes) {
  set_leaves();
  Partials first = partials();
  first.merge(kernel_, 5);
  const std::string bytes(reinterpret_cast<const char*>(at(5)), kTextBytes);
  Partials second = partials(1);
  second.merge(kernel_, 5);
  EXPECT_EQ(bytes, std::string_view(reinterpret_cast<const char*>(at(5)), kTextBytes));
}

TEST_F(PartialsTest, AMergeThatFailedHalfwayCanBeRunAgain) {
  set_leaves();
  set(2, "fails");
  Partials partials = this->partials();
  EXPECT_EQ(test::error_of([&] { partials.merge(kernel_, 5); }).message(), "no");
  set(2, "c");
  EXPECT_EQ(merged(partials, 5), "abc");
}

TEST_F(PartialsTest, OnlyTheLastMergeIsTheRoot) {
  const Partials partials = this->partials();
  EXPECT_FALSE(partials.is_root(5));
  EXPECT_FALSE(partials.is_root(6));
  EXPECT_TRUE(partials.is_root(7));
}

TEST_F(PartialsTest, LeavesOfChunksCountWhateverTheWorkersHaveDone) {
  set_leaves();
  Partials partials = this->partials();
  ASSERT_EQ(control_.slot(0).chunks_done, 0U);
  EXPECT_EQ(merged(partials, 5), "abc");
}

TEST_F(PartialsTest, ThePartialOfNoChunksIsZeros) {
  sent_.leaves = 0;
  Partials partials = this->partials(0, 0);
  EXPECT_TRUE(partials.is_root(0));
  EXPECT_EQ(partials.merge(kernel_, 0), at(0));
  EXPECT_TRUE(all_are(at(0), kTextBytes, std::byte{0}));
}

// In an exact merge there is a leaf for each worker: merges of any number of chunks.
class ExactPartialsTest : public PartialsTest {
 protected:
  static constexpr std::uint32_t kManyChunks = 1000;
  ExactPartialsTest() { sent_.exact = true; }
};

TEST_F(ExactPartialsTest, AWorkerAddsAllItsChunksToOneAccumulator) {
  Partials partials = this->partials(3, kManyChunks);
  EXPECT_EQ(partials.accumulator_for(700), at(3));
  EXPECT_TRUE(all_are(at(3), kTextBytes, std::byte{0}));
  set(3, "kept");
  EXPECT_EQ(partials.accumulator_for(2), at(3));
  EXPECT_EQ(text_at(at(3)), "kept");
}

TEST_F(ExactPartialsTest, WorkersWithoutAChunkAreLeftOut) {
  for (const std::uint32_t slot : {0U, 2U, 4U}) control_.slot(slot).accumulates = 1;
  set(0, "a");
  set(2, "c");
  set(4, "e");
  Partials partials = this->partials(0, kManyChunks);
  EXPECT_EQ(merged(partials, kManyChunks), "ac");
  EXPECT_EQ(merged(partials, kManyChunks + 1), "e");
  EXPECT_EQ(merged(partials, kManyChunks + 2), "ace");
}

TEST_F(ExactPartialsTest, NothingToMergeGivesZeros) {
  Partials partials = this->partials(0, kManyChunks);
  const std::byte* merge = partials.merge(kernel_, kManyChunks);
  EXPECT_TRUE(all_are(merge, kTextBytes, std::byte{0}));
}

TEST_F(PartialsTest, PartialsThatDoNotFitTheirMemoryAreRefused) {
  const ipc::Partials good = sent_;
  EXPECT_NO_THROW(partials());
  const auto expect_refused = [&](auto change) {
    sent_ = good;
    change(sent_);
    EXPECT_EQ(test::error_of([&] { partials(); }).code(), ErrorCode::kInternal);
  };
  expect_refused([](auto& p) { p.placement.array_offset = kOffset + 1; });
  expect_refused([](auto& p) { p.placement.array_offset = -1; });
  expect_refused([](auto& p) { p.placement.array_offset = INT64_MAX; });
  expect_refused([](auto& p) { p.stride_bytes = kStride + 1; });
  expect_refused([](auto& p) { p.stride_bytes = INT64_MAX; });
  expect_refused([](auto& p) { p.stride_bytes = kTextBytes - 1; });
  expect_refused([](auto& p) { p.accumulator_bytes = kStride + 1; });
  expect_refused([](auto& p) { p.accumulator_bytes = 0; });
  expect_refused([](auto& p) { p.accumulator_bytes = -1; });
  expect_refused([](auto& p) { p.fan_in = 2; });
}

TEST_F(PartialsTest, LeavesThatAreNotThoseOfTheJobAreRefused) {
  EXPECT_EQ(test::error_of([&] { partials(0, kChunks + 1); }).code(), ErrorCode::kInternal);
  EXPECT_EQ(test::error_of([&] { partials(0, kChunks - 1); }).code(), ErrorCode::kInternal);
  sent_.exact = true;
  EXPECT_NO_THROW(partials(0, kChunks + 1));
  sent_.leaves = kSlots + 1;
  sent_.fan_in = 6;
  EXPECT_EQ(test::error_of([&] { partials(); }).code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace gristmill::workers
