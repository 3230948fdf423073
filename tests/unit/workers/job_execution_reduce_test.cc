#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include <gristmill/kernel.h>

#include "ipc/merge_tree.h"
#include "ipc/segment.h"
#include "tests/support/error_of.h"
#include "workers/job_execution.h"

namespace gristmill::workers {
namespace {

using ipc::ChunkRange;

struct Sum {
  std::int64_t items;
  std::int64_t total;
};

// A kernel that sums up the numbers of its items, and calls the test before each call.
class SummingHost : public KernelHost {
 public:
  std::vector<KernelInfo> describe() const override { return {}; }
  std::uint64_t identity() const override { return 0; }
  ipc::Planned plan(const ipc::KernelRequest&) const override { return {}; }
  std::unique_ptr<OpenKernel> open(const ipc::KernelRequest&, const std::vector<JobArray>&,
                                   const std::vector<JobArray>& outputs,
                                   std::int64_t accumulator_bytes,
                                   const JobServices&) const override {
    EXPECT_EQ(accumulator_bytes, std::int64_t{sizeof(Sum)});
    return std::make_unique<Kernel>(*this, static_cast<std::int64_t*>(outputs.at(0).data));
  }

  std::function<void(std::int64_t begin)> before_run = [](std::int64_t) {};
  std::function<void()> before_merge = [] {};
  // What it finds in its output.
  std::function<void(std::int64_t)> before_finish = [](std::int64_t) {};

 private:
  class Kernel : public OpenKernel {
   public:
    Kernel(const SummingHost& host, std::int64_t* output) : host_(host), output_(output) {}
    void run(const Items& items, void* accumulator) override {
      const auto [begin, end, tile] = items;
      host_.before_run(begin);
      auto* sum = static_cast<Sum*>(accumulator);
      for (std::int64_t item = begin; item < end; ++item) sum->total += item;
      sum->items += end - begin;
    }
    void merge(void* into, const void* from) override {
      host_.before_merge();
      static_cast<Sum*>(into)->items += static_cast<const Sum*>(from)->items;
      static_cast<Sum*>(into)->total += static_cast<const Sum*>(from)->total;
    }
    void finish(const void* accumulator) override {
      host_.before_finish(*output_);
      output_[0] = static_cast<const Sum*>(accumulator)->items;
      output_[1] = static_cast<const Sum*>(accumulator)->total;
    }
    std::vector<ipc::Counter> counters() const override { return {}; }

   private:
    const SummingHost& host_;
    std::int64_t* output_;
  };
};

// A reduce of 100 items in 15 chunks of 7, the last of 2, on two slots; this worker is slot 0.
// Merges of up to four: 15 to 18, and the root 19. All memory is stale at first.
class JobExecutionReduceTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kJob = 3;
  static constexpr std::uint32_t kChunks = 15;
  static constexpr std::uint32_t kRoot = 19;
  static constexpr std::int64_t kItems = 100;
  static constexpr std::int64_t kTotal = kItems * (kItems - 1) / 2;
  static constexpr std::int64_t kOutputBytes = 16;
  static constexpr std::int64_t kStride = 128;
  static constexpr std::int64_t kPartialsBytes = kStride * (kRoot + 1);

  JobExecutionReduceTest() {
    job_.job = kJob;
    job_.slot = 0;
    job_.slots = 2;
    job_.chunks = kChunks;
    job_.items = kItems;
    job_.chunk_items = 7;
    job_.ledger_key = 99;
    job_.flags = GM_OVERWRITES_OUTPUT;
    job_.control = {0, 100, 0, control_segment_.size_bytes(), 0, false};
    job_.outputs = {{DType::kInt64, {2}}};
    job_.output_placements = {ipc::Placement{1, 101, 0, kOutputBytes, 0, false}};
    job_.partials = {.accumulator_bytes = sizeof(Sum),
                     .stride_bytes = kStride,
                     .leaves = kChunks,
                     .fan_in = 4,
                     .exact = false,
                     .placement = {2, 102, 0, kPartialsBytes, 0, false}};
    std::fill_n(output_.data(), kOutputBytes, std::byte{0xFF});
    std::fill_n(partials_.data(), kPartialsBytes, std::byte{0xFF});
  }

  JobExecution open() { return open(memory_watch_); }
  JobExecution open(MemoryWatch& watch) {
    std::vector<ipc::UniqueFd> fds;
    for (const ipc::Segment* segment : {&control_segment_, &output_segment_, &partials_segment_}) {
      fds.emplace_back(fcntl(segment->fd(), F_DUPFD_CLOEXEC, 0));
    }
    return JobExecution(job_, std::move(fds), host_, memory_, watch, {});
  }
  static ipc::Order order(ChunkRange range) { return {kJob, 1, range.begin, range.end}; }
  // Chunks, merges and the root, as the coordinator orders them.
  void run_all(JobExecution& execution) {
    for (const ChunkRange& round : {ChunkRange{0, kChunks}, {kChunks, kRoot}, {kRoot, kRoot + 1}}) {
      EXPECT_FALSE(execution.run(order(round)));
    }
  }
  bool is_done(std::uint32_t chunk) const {
    return control_.ledger(chunk) == ipc::ledger_tag(99, chunk);
  }
  const Sum& partial(std::int64_t number) const {
    return *reinterpret_cast<const Sum*>(partials_.data() + number * kStride);
  }
  std::int64_t output(std::size_t index) const {
    return reinterpret_cast<const std::int64_t*>(output_.data())[index];
  }
  const ipc::SlotWords& words() const { return control_.slot(0); }

  ipc::Segment control_segment_ =
      ipc::Segment::create(ipc::ControlSegment::size_bytes(2, kRoot + 1, kChunks));
  ipc::Segment output_segment_ = ipc::Segment::create(kOutputBytes);
  ipc::Segment partials_segment_ = ipc::Segment::create(kPartialsBytes);
  ipc::WritableMapping control_mapping_{control_segment_.fd(), 0, control_segment_.size_bytes()};
  ipc::WritableMapping output_{output_segment_.fd(), 0, kOutputBytes};
  ipc::WritableMapping partials_{partials_segment_.fd(), 0, kPartialsBytes};
  ipc::ControlSegment control_{control_mapping_.bytes(), 2, kRoot + 1};
  ipc::OpenJob job_;
  SummingHost host_;
  MemoryCache memory_;
  MemoryWatch memory_watch_{0};
};

TEST_F(JobExecutionReduceTest, EachChunkAddsToAnAccumulatorOfItsOwn) {
  open().run(order({0, kChunks}));
  EXPECT_EQ(partial(0).items, 7);
  EXPECT_EQ(partial(0).total, 21);
  EXPECT_EQ(partial(14).items, 2);
  EXPECT_EQ(partial(14).total, 98 + 99);
  EXPECT_EQ(partial(15).items, -1) << "a merge that is not made yet";
}

TEST_F(JobExecutionReduceTest, ChunksDoNotTouchTheOutputs) {
  job_.flags = 0;
  open().run(order({0, kChunks}));
  EXPECT_EQ(output(0), -1);
  EXPECT_EQ(output(1), -1);
}

TEST_F(JobExecutionReduceTest, MergesAndFinishGiveTheResultOfAllItems) {
  JobExecution execution = open();
  run_all(execution);
  EXPECT_EQ(partial(15).items, 28);
  EXPECT_EQ(partial(18).items, 16);
  EXPECT_EQ(output(0), kItems);
  EXPECT_EQ(output(1), kTotal);
  for (std::uint32_t chunk = 0; chunk <= kRoot; ++chunk) EXPECT_TRUE(is_done(chunk)) << chunk;
}

TEST_F(JobExecutionReduceTest, PartitionsOfMergesAreClaimedLikeThoseOfChunks) {
  JobExecution execution = open();
  execution.run(order({0, kChunks}));
  control_.slot(0).partition = pack(ChunkRange{15, 17});
  control_.slot(1).partition = pack(ChunkRange{17, 19});
  EXPECT_FALSE(execution.run(order({})));
  EXPECT_EQ(words().follow_ups_done, 4U);
  EXPECT_TRUE(is_done(18));
}

TEST_F(JobExecutionReduceTest, CountsChunksAndMergesApart) {
  JobExecution execution = open();
  run_all(execution);
  EXPECT_EQ(words().chunks_done, kChunks);
  EXPECT_EQ(words().follow_ups_done, 5U);
  EXPECT_EQ(words().items_done, static_cast<std::uint64_t>(kItems));
}

TEST_F(JobExecutionReduceTest, StampsTheMergeWhileItRuns) {
  JobExecution execution = open();
  execution.run(order({0, kChunks}));
  std::uint64_t seen = 0;
  host_.before_merge = [&] { seen = words().executing; };
  execution.run(order({17, 18}));
  EXPECT_EQ(seen, ipc::stamp_of(kJob, 17));
  EXPECT_EQ(words().executing, 0U);
}

TEST_F(JobExecutionReduceTest, FinishFindsZerosUnlessItOverwrites) {
  std::int64_t found = 0;
  host_.before_finish = [&](std::int64_t first) { found = first; };
  JobExecution first = open();
  run_all(first);
  EXPECT_NE(found, 0);
  job_.flags = 0;
  control_.ledger(kRoot) = ipc::kOpen;
  JobExecution second = open();
  second.run(order({kRoot, kRoot + 1}));
  EXPECT_EQ(found, 0);
  EXPECT_EQ(output(0), kItems);
}

TEST_F(JobExecutionReduceTest, AnOutputThatNobodyWantsIsLeftOut) {
  job_.flags = 0;
  job_.outputs.push_back({DType::kFloat64, {5}});
  job_.output_placements.emplace_back();
  JobExecution execution = open();
  run_all(execution);
  EXPECT_EQ(output(1), kTotal);
}

TEST_F(JobExecutionReduceTest, WhatIsRunAgainCountsOnce) {
  JobExecution execution = open();
  run_all(execution);
  for (const std::uint32_t chunk : {0U, 14U, 16U, kRoot}) control_.ledger(chunk) = ipc::kOpen;
  run_all(execution);
  EXPECT_EQ(output(0), kItems);
  EXPECT_EQ(output(1), kTotal);
}

TEST_F(JobExecutionReduceTest, AnotherWorkerMergesWhatThisOneHasAdded) {
  open().run(order({0, kChunks}));
  job_.slot = 1;
  JobExecution other = open();
  run_all(other);
  EXPECT_EQ(output(1), kTotal);
  EXPECT_EQ(control_.slot(1).chunks_done, 0U);
  EXPECT_EQ(control_.slot(1).follow_ups_done, 5U);
}

TEST_F(JobExecutionReduceTest, AnExactMergeTakesTheWorkersThatHaveRunChunks) {
  job_.partials->exact = true;
  job_.partials->leaves = 2;
  JobExecution execution = open();
  execution.run(order({0, kChunks}));
  EXPECT_EQ(partial(0).items, kItems);
  EXPECT_EQ(partial(1).items, -1) << "a worker that has run no chunk";
  EXPECT_FALSE(execution.run(order({kChunks, kChunks + 1})));
  EXPECT_EQ(output(0), kItems);
  EXPECT_EQ(output(1), kTotal);
  EXPECT_EQ(words().follow_ups_done, 1U);
}

TEST_F(JobExecutionReduceTest, AnExactMergeHasAnAccumulatorForEachWorker) {
  job_.partials->exact = true;
  job_.partials->leaves = 2;
  JobExecution first = open();
  job_.slot = 1;
  JobExecution second = open();
  first.run(order({0, 3}));
  second.run(order({5, kChunks}));
  first.run(order({3, 5}));
  EXPECT_EQ(partial(0).items, 35);
  EXPECT_EQ(partial(1).items, 65);
  second.run(order({kChunks, kChunks + 1}));
  EXPECT_EQ(output(1), kTotal);
}

// A watch that is full from the start.
TEST_F(JobExecutionReduceTest, AFullWorkerRetiresBehindALeaseUnlessItsAccumulatorWouldBeLost) {
  MemoryWatch full(1);
  for (const bool exact : {false, true}) {
    control_.slot(0).partition = ipc::pack({0, kChunks});
    job_.partials->exact = exact;
    job_.partials->leaves = exact ? 2 : kChunks;
    JobExecution execution = open(full);
    execution.run(order({}));
    EXPECT_EQ(execution.retires(), !exact);
    const ChunkRange left = ipc::unpack_range(control_.slot(0).partition);
    EXPECT_EQ(left.size(), exact ? 0U : kChunks - 1);
  }
}

TEST_F(JobExecutionReduceTest, AFullWorkerDoesNotRetireBeforeItHasDoneSomething) {
  MemoryWatch full(1);
  control_.slot(0).partition = ipc::pack({0, kChunks});
  for (const std::uint32_t chunk : {0U, 1U}) {
    control_.ledger(chunk) = ipc::ledger_tag(job_.ledger_key, chunk);
  }
  JobExecution execution = open(full);
  execution.run(order({}));
  EXPECT_TRUE(is_done(2));
  EXPECT_TRUE(execution.retires());
  EXPECT_FALSE(ipc::unpack_range(control_.slot(0).partition).empty());
}

TEST_F(JobExecutionReduceTest, NoChunksAreFinishedFromZeros) {
  job_.chunks = 0;
  job_.items = 0;
  job_.partials->leaves = 0;
  EXPECT_FALSE(open().run(order({0, 1})));
  EXPECT_EQ(output(0), 0);
  EXPECT_EQ(output(1), 0);
  EXPECT_EQ(words().chunks_done, 0U);
  EXPECT_EQ(words().follow_ups_done, 1U);
}

TEST_F(JobExecutionReduceTest, AnErrorInAnyCallIsReportedWithTheNumberOfTheChunk) {
  const auto fail = [](auto...) { throw Error(ErrorCode::kFailed, "no"); };
  JobExecution execution = open();
  const auto expect_failed = [&](ChunkRange range, std::uint32_t chunk) {
    const auto failure = execution.run(order(range));
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->chunk, chunk);
    EXPECT_EQ(failure->text.message, "no");
    EXPECT_FALSE(is_done(chunk));
    EXPECT_EQ(words().executing, 0U);
  };
  host_.before_run = [&](std::int64_t begin) { begin == 14 ? fail() : void(); };
  expect_failed({0, kChunks}, 2);
  host_.before_run = [](std::int64_t) {};
  execution.run(order({0, kChunks}));
  host_.before_merge = fail;
  expect_failed({16, 19}, 16);
  host_.before_merge = [] {};
  execution.run(order({kChunks, kRoot}));
  host_.before_finish = fail;
  expect_failed({kRoot, kRoot + 1}, kRoot);
}

TEST_F(JobExecutionReduceTest, AMergeDuringWhichTheJobStopsIsNotDone) {
  JobExecution execution = open();
  execution.run(order({0, kChunks}));
  host_.before_merge = [&] { control_.stop() = kJob; };
  EXPECT_FALSE(execution.run(order({kChunks, kRoot})));
  EXPECT_FALSE(is_done(kChunks));
  EXPECT_EQ(words().follow_ups_done, 0U);
}

TEST_F(JobExecutionReduceTest, PartialsThatAreNotThereAreRefused) {
  job_.partials->placement.fd_index = 3;
  EXPECT_EQ(test::error_of([&] { open(); }).code(), ErrorCode::kInternal);
}

TEST_F(JobExecutionReduceTest, PartialsBeyondTheirMemoryAreRefused) {
  job_.partials->placement.array_offset = 8;
  EXPECT_EQ(test::error_of([&] { open(); }).code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace gristmill::workers
