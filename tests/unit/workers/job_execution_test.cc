#include "workers/job_execution.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <gristmill/kernel.h>

#include "ipc/segment.h"
#include "tests/support/error_of.h"

namespace gristmill::workers {
namespace {

using ipc::ChunkRange;

// A kernel of the test's own: what it runs is a function of items [begin, end) and the output.
class FakeHost : public KernelHost {
 public:
  using Run = std::function<void(std::int64_t begin, std::int64_t end, std::int64_t* output)>;

  std::vector<KernelInfo> describe() const override { return {}; }
  std::uint64_t identity() const override { return 0; }
  ipc::Planned plan(const ipc::KernelRequest&) const override { return {}; }
  std::unique_ptr<OpenKernel> open(const ipc::KernelRequest&, const std::vector<JobArray>& inputs,
                                   const std::vector<JobArray>& outputs, std::int64_t,
                                   const JobServices&) const override {
    seen_inputs = inputs;
    return std::make_unique<Kernel>(*this, static_cast<std::int64_t*>(outputs.at(0).data));
  }

  Run run;
  mutable std::vector<JobArray> seen_inputs;

 private:
  class Kernel : public OpenKernel {
   public:
    Kernel(const FakeHost& host, std::int64_t* output) : host_(host), output_(output) {}
    void run(const Items& items, void*) override { host_.run(items.begin, items.end, output_); }
    void merge(void*, const void*) override {}
    void finish(const void*) override {}
    std::vector<ipc::Counter> counters() const override { return {}; }

   private:
    const FakeHost& host_;
    std::int64_t* output_;
  };
};

// A job of 100 items in 15 chunks of 7, the last of 2, on two slots; this worker is slot 0.
class JobExecutionTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kJob = 3;
  static constexpr std::uint32_t kChunks = 15;
  static constexpr std::int64_t kItems = 100;
  static constexpr std::int64_t kOutputBytes = kItems * 8;

  JobExecutionTest() {
    job_.job = kJob;
    job_.slot = 0;
    job_.slots = 2;
    job_.chunks = kChunks;
    job_.items = kItems;
    job_.chunk_items = 7;
    job_.ledger_key = 99;
    job_.flags = GM_OVERWRITES_OUTPUT;
    job_.control = {0, 100, 0, control_segment_.size_bytes(), 0, false};
    job_.outputs = {{DType::kInt64, {kItems}}};
    job_.output_placements = {ipc::Placement{1, 101, 0, kOutputBytes, 0, false}};
    host_.run = [this](std::int64_t begin, std::int64_t end, std::int64_t* output) {
      ran_.emplace_back(begin, end);
      for (std::int64_t item = begin; item < end; ++item) output[item] = item + 1;
    };
  }

  std::vector<ipc::UniqueFd> fds() const {
    std::vector<ipc::UniqueFd> all;
    for (const ipc::Segment* segment : {&control_segment_, &output_segment_, &input_segment_}) {
      all.emplace_back(fcntl(segment->fd(), F_DUPFD_CLOEXEC, 0));
    }
    return all;
  }
  JobExecution open() { return JobExecution(job_, fds(), host_, memory_, memory_watch_, {}); }
  void give(std::uint32_t slot, ChunkRange range) { control_.slot(slot).partition = pack(range); }
  bool is_done(std::uint32_t chunk) const {
    return control_.ledger(chunk) == ipc::ledger_tag(99, chunk);
  }
  std::span<const std::int64_t> output() const {
    return {reinterpret_cast<const std::int64_t*>(output_.data()), kItems};
  }
  const ipc::SlotWords& words() const { return control_.slot(0); }
  ipc::Order order(ChunkRange range = {}) const { return {kJob, 1, range.begin, range.end}; }

  ipc::Segment control_segment_ = ipc::Segment::create(ipc::ControlSegment::size_bytes(2, kChunks));
  ipc::WritableMapping control_mapping_{control_segment_.fd(), 0, control_segment_.size_bytes()};
  ipc::Segment output_segment_ = ipc::Segment::create(kOutputBytes);
  ipc::Segment input_segment_ = ipc::Segment::create(4096);
  ipc::ControlSegment control_{control_mapping_.bytes(), 2, kChunks};
  ipc::WritableMapping output_{output_segment_.fd(), 0, kOutputBytes};
  ipc::OpenJob job_;
  FakeHost host_;
  MemoryCache memory_;
  MemoryWatch memory_watch_{0};
  std::vector<std::pair<std::int64_t, std::int64_t>> ran_;
};

TEST_F(JobExecutionTest, RunsAllChunksOfAllPartitionsAndMarksThemDone) {
  give(0, {0, 10});
  give(1, {10, kChunks});
  EXPECT_FALSE(open().run(order()));
  EXPECT_EQ(ran_.size(), kChunks);
  for (std::uint32_t chunk = 0; chunk < kChunks; ++chunk) EXPECT_TRUE(is_done(chunk)) << chunk;
  for (std::int64_t item = 0; item < kItems; ++item) {
    ASSERT_EQ(output()[static_cast<std::size_t>(item)], item + 1);
  }
}

// Its worker ends then, which blames nobody, and the coordinator deals again.
TEST_F(JobExecutionTest, APartitionThatThereCannotBeIsNoFailureOfTheJob) {
  give(0, {0, 2});
  give(1, {10, kChunks + 1});
  JobExecution job = open();
  EXPECT_THROW(job.run(order()), Error);
  EXPECT_TRUE(is_done(0) && is_done(1));
  EXPECT_EQ(words().executing, 0U);
}

TEST_F(JobExecutionTest, TheLastChunkEndsWithTheItems) {
  give(0, {14, 15});
  open().run(order());
  EXPECT_EQ(ran_, (std::vector<std::pair<std::int64_t, std::int64_t>>{{98, 100}}));
}

TEST_F(JobExecutionTest, CountsWhatItDoes) {
  give(0, {0, 10});
  give(1, {10, kChunks});
  open().run(order());
  EXPECT_EQ(words().chunks_done, kChunks);
  EXPECT_EQ(words().items_done, static_cast<std::uint64_t>(kItems));
  EXPECT_GE(words().leases, 2U);
  EXPECT_GE(words().stolen_leases, 1U);
  EXPECT_LT(words().stolen_leases, words().leases);
  EXPECT_GT(words().busy_nanoseconds, 0U);
  EXPECT_GT(words().first_chunk_nanoseconds, 0U);
  const auto& times = words().chunk_times;
  EXPECT_EQ(std::accumulate(times.begin(), times.end(), std::uint64_t{0}), kChunks);
  EXPECT_EQ(control_.slot(1).chunks_done, 0U);
}

TEST_F(JobExecutionTest, StampsTheChunkWhileItRunsAndNothingAfterwards) {
  give(0, {4, 5});
  std::uint64_t seen = 0;
  host_.run = [&](std::int64_t, std::int64_t, std::int64_t*) { seen = words().executing; };
  open().run(order());
  EXPECT_EQ(seen, ipc::stamp_of(kJob, 4));
  EXPECT_EQ(words().executing, 0U);
}

TEST_F(JobExecutionTest, RunsThePrivateRangeFirst) {
  give(0, {0, 2});
  open().run(order({12, 13}));
  EXPECT_EQ(ran_, (std::vector<std::pair<std::int64_t, std::int64_t>>{{84, 91}, {0, 7}, {7, 14}}));
}

TEST_F(JobExecutionTest, SkipsChunksThatAreDoneOrConvicted) {
  control_.ledger(1) = ipc::ledger_tag(99, 1);
  control_.ledger(2) = ipc::kConvicted;
  give(0, {0, 4});
  open().run(order());
  EXPECT_EQ(ran_, (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 7}, {21, 28}}));
  EXPECT_EQ(words().chunks_done, 2U);
  EXPECT_EQ(control_.ledger(2), ipc::kConvicted);
}

TEST_F(JobExecutionTest, AStrayWordInTheLedgerIsNotADoneChunk) {
  control_.ledger(0) = ipc::ledger_tag(98, 0);
  control_.ledger(1) = 1;
  give(0, {0, 2});
  open().run(order());
  EXPECT_TRUE(is_done(0));
  EXPECT_TRUE(is_done(1));
}

TEST_F(JobExecutionTest, ZeroesTheRowsOfAKernelThatDoesNotOverwrite) {
  job_.flags = 0;
  host_.run = [](std::int64_t begin, std::int64_t end, std::int64_t* output) {
    for (std::int64_t item = begin; item < end; ++item) output[item] += item + 1;
  };
  auto* rows = reinterpret_cast<std::int64_t*>(output_.data());
  std::fill(rows, rows + kItems, -1);
  give(0, {1, 2});
  open().run(order());
  for (std::int64_t item = 0; item < kItems; ++item) {
    const bool in_chunk = item >= 7 && item < 14;
    ASSERT_EQ(rows[item], in_chunk ? item + 1 : -1) << item;
  }
}

TEST_F(JobExecutionTest, AStoppedJobTakesNoChunk) {
  control_.stop() = kJob;
  give(0, {0, kChunks});
  EXPECT_FALSE(open().run(order({3, 4})));
  EXPECT_TRUE(ran_.empty());
  EXPECT_EQ(ipc::unpack_range(words().partition), (ChunkRange{0, kChunks}));
}

TEST_F(JobExecutionTest, TheStopOfAnotherJobDoesNotMatter) {
  control_.stop() = kJob - 1;
  give(0, {0, 2});
  open().run(order());
  EXPECT_EQ(ran_.size(), 2U);
}

TEST_F(JobExecutionTest, AChunkDuringWhichTheJobStopsIsNotDone) {
  give(0, {0, kChunks});
  host_.run = [&](std::int64_t begin, std::int64_t end, std::int64_t*) {
    ran_.emplace_back(begin, end);
    control_.stop() = kJob;
  };
  EXPECT_FALSE(open().run(order()));
  EXPECT_EQ(ran_.size(), 1U);
  EXPECT_FALSE(is_done(0));
  EXPECT_EQ(words().executing, 0U);
}

TEST_F(JobExecutionTest, AKernelThatFailsIsReportedWithItsChunk) {
  give(0, {0, kChunks});
  host_.run = [&](std::int64_t begin, std::int64_t, std::int64_t*) {
    if (begin == 14) throw Error(ErrorCode::kFailed, {"no", "Detail.", "Hint."});
  };
  const std::optional<ipc::JobFailed> failure = open().run(order());
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->job, kJob);
  EXPECT_EQ(failure->chunk, 2U);
  EXPECT_EQ(failure->code, ErrorCode::kFailed);
  EXPECT_EQ(failure->text.message, "no");
  EXPECT_EQ(failure->text.detail, "Detail.");
  EXPECT_TRUE(is_done(1));
  EXPECT_FALSE(is_done(2));
  EXPECT_EQ(words().executing, 0U);
}

TEST_F(JobExecutionTest, InputsAreWhereThePlacementSays) {
  ipc::WritableMapping(input_segment_.fd(), 0, 4096).data()[24] = std::byte{42};
  input_segment_.seal();
  job_.request.inputs = {std::nullopt, ipc::ArraySpec{DType::kUInt8, {16}}};
  job_.input_placements = {std::nullopt, ipc::Placement{2, 102, 0, 4096, 16, true}};
  const JobExecution execution = open();
  ASSERT_EQ(host_.seen_inputs.size(), 2U);
  EXPECT_EQ(host_.seen_inputs[0].data, nullptr);
  ASSERT_NE(host_.seen_inputs[1].data, nullptr);
  EXPECT_EQ(static_cast<const unsigned char*>(host_.seen_inputs[1].data)[8], 42);
  EXPECT_EQ(host_.seen_inputs[1].spec.shape, Shape{16});
}

TEST_F(JobExecutionTest, ADatasetThatShouldBeSealedAndIsNotIsRefused) {
  job_.request.inputs = {ipc::ArraySpec{DType::kUInt8, {16}}};
  job_.input_placements = {ipc::Placement{2, 102, 0, 16, 0, true}};
  EXPECT_EQ(test::error_of([&] { open(); }).code(), ErrorCode::kInternal);
}

TEST_F(JobExecutionTest, AMissingDescriptorIsRefused) {
  job_.output_placements = {ipc::Placement{3, 101, 0, kOutputBytes, 0, false}};
  EXPECT_EQ(test::error_of([&] { open(); }).code(), ErrorCode::kInternal);
  EXPECT_EQ(
      test::error_of([&] { JobExecution(job_, {}, host_, memory_, memory_watch_, {}); }).code(),
      ErrorCode::kInternal);
}

TEST_F(JobExecutionTest, APlacementBeyondItsMemoryIsRefused) {
  job_.output_placements = {ipc::Placement{1, 101, 8, kOutputBytes, 0, false}};
  EXPECT_EQ(test::error_of([&] { open(); }).code(), ErrorCode::kInvalid);
  for (const std::int64_t offset : {std::int64_t{8}, std::int64_t{-8}, INT64_MAX}) {
    job_.output_placements = {ipc::Placement{1, 101, 0, kOutputBytes, offset, false}};
    EXPECT_EQ(test::error_of([&] { open(); }).code(), ErrorCode::kInternal);
  }
}

}  // namespace
}  // namespace gristmill::workers
