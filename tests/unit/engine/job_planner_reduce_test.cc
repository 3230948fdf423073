#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <mutex>

#include <gristmill/kernel.h>

#include "engine/job_planner.h"
#include "engine/partials_plan.h"
#include "ipc/version.h"
#include "kernels/column_moments.h"
#include "tests/support/error_of.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/thread_launcher.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

constexpr int kWorkers = 4;

class DescribePlanTest : public testing::Test {
 protected:
  PlannedJob plan(std::int64_t items, ChunkSize chunk_size) {
    const test::RowHashJob rows(items, 2, 1);
    return jobs_.plan(
        {.kernel = "describe", .inputs = {{"rows", rows.rows()}}, .chunk_size = chunk_size});
  }

  test::ThreadLauncher launcher_;
  Planner planner_{[this] { return start_worker(launcher_); }};
  JobPlanner jobs_{planner_, {test::test_plugin("gristmill-kernels").string()}, kWorkers};
};

TEST_F(DescribePlanTest, SaysWhatItsPartialsTake) {
  const PlannedJob job = plan(100, ChunkSize::items(30));
  ASSERT_TRUE(job.partials);
  EXPECT_EQ(job.partials->leaves, 4U);
  EXPECT_FALSE(job.partials->exact);
  EXPECT_EQ(job.plan.chunks, 4);
  EXPECT_EQ(job.plan.workers, 4);
  EXPECT_EQ(job.plan.partials, 4);
  EXPECT_EQ(job.plan.accumulator_bytes, 2 * std::int64_t{sizeof(kernels::ColumnMoments)});
  EXPECT_EQ(job.plan.merged_at_once, job.partials->fan_in);
  EXPECT_EQ(job.plan.partial_bytes, size_bytes(*job.partials));
  EXPECT_EQ(job.plan.outputs.at(1).shape, Shape{2});
  EXPECT_FALSE(job.partials_memory) << "nothing is reserved";
}

TEST_F(DescribePlanTest, NoItemsHaveOneWorkerThatFinishes) {
  const PlannedJob job = plan(0, {});
  EXPECT_EQ(job.plan.chunks, 0);
  EXPECT_EQ(job.plan.workers, 1);
  EXPECT_EQ(job.plan.partials, 0);
  EXPECT_EQ(job.plan.partial_bytes, kAccumulatorAlignment);
}

// In the place of a plug-in: two kernels, whose plans the test says.
class ScriptedPlansTest : public testing::Test {
 protected:
  ScriptedPlansTest() {
    answer_.items = 1'000'000;
    answer_.bytes_per_item = 8;
    answer_.outputs = {{DType::kFloat64, {}}};
    answer_.accumulator_bytes = 8;
  }

  // Until the coordinator hangs up.
  void answer_all(ipc::WorkerLink link) {
    link.send(ipc::Hello{ipc::kVersion});
    while (const std::optional<ipc::Task> task = link.wait_for_task()) {
      if (const auto* describe = std::get_if<ipc::DescribeRequest>(&*task)) {
        link.send(ipc::Described{describe->request, 0, 2, 0, kernel("sums", Pattern::kReduce)});
        link.send(ipc::Described{describe->request, 1, 2, 0, kernel("rows", Pattern::kMap)});
      } else {
        const std::lock_guard lock(mutex_);
        ++asked_;
        const std::uint32_t request = std::get<ipc::PlanRequest>(*task).request;
        answer_.request = request;
        link.send(refuses_ ? ipc::Report{ipc::Refused{request, ErrorCode::kInvalid, {"no", {}, {}}}}
                           : ipc::Report{answer_});
      }
    }
  }
  static KernelInfo kernel(const std::string& name, Pattern pattern) {
    KernelInfo info;
    info.name = name;
    info.pattern = pattern;
    info.plugin = "scripted.so";
    info.params = {{"seed", "int", "0", "", false}};
    info.outputs = {{"out", ""}};
    return info;
  }
  void answer_with(const std::function<void(ipc::Planned&)>& change) {
    const std::lock_guard lock(mutex_);
    change(answer_);
  }
  void refuse(bool refuses) {
    const std::lock_guard lock(mutex_);
    refuses_ = refuses;
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  PlannedJob plan(const std::string& kernel = "sums", std::int64_t seed = 0,
                  ChunkSize chunk_size = {}) {
    return jobs_.plan({.kernel = kernel, .params = {{"seed", seed}}, .chunk_size = chunk_size});
  }

  std::mutex mutex_;
  ipc::Planned answer_;
  bool refuses_ = false;
  int asked_ = 0;
  test::ThreadLauncher launcher_{
      [this](int, ipc::WorkerLink link) { answer_all(std::move(link)); }};
  Planner planner_{[this] { return start_worker(launcher_); }};
  JobPlanner jobs_{planner_, {"scripted.so"}, kWorkers};
};

TEST_F(ScriptedPlansTest, TheOutputsOfAReduceMayHaveAnyShape) {
  answer_with([](ipc::Planned& plan) { plan.outputs = {{DType::kInt8, {3, 5}}}; });
  EXPECT_EQ(plan().plan.outputs.at(0).shape, (Shape{3, 5}));
  EXPECT_EQ(test::error_of([&] { plan("rows"); }).code(), ErrorCode::kFailed);
}

TEST_F(ScriptedPlansTest, AReduceWithoutAnAccumulatorIsRefused) {
  for (const std::int64_t bytes : {0, -1}) {
    answer_with([=](ipc::Planned& plan) { plan.accumulator_bytes = bytes; });
    const Error error = test::error_of([&] { plan("sums", bytes); });
    EXPECT_EQ(error.code(), ErrorCode::kFailed);
    EXPECT_EQ(error.message(), "kernel \"sums\" planned no accumulator");
  }
}

TEST_F(ScriptedPlansTest, AMapHasNoPartialsWhateverItSays) {
  answer_with([](ipc::Planned& plan) { plan.outputs = {{DType::kInt8, {1'000'000}}}; });
  const PlannedJob job = plan("rows");
  EXPECT_FALSE(job.partials);
  EXPECT_EQ(job.plan.partials, 0);
  EXPECT_EQ(job.plan.partial_bytes, 0);
}

TEST_F(ScriptedPlansTest, EachChunkHasAnAccumulator) {
  const PlannedJob job = plan();
  EXPECT_GE(job.plan.chunks, kMinAutoChunks);
  EXPECT_EQ(job.plan.partials, job.plan.chunks);
}

TEST_F(ScriptedPlansTest, LargeAccumulatorsMakeFewChunks) {
  answer_with([](ipc::Planned& plan) { plan.accumulator_bytes = kPartialBytes / 100; });
  const PlannedJob job = plan();
  EXPECT_LE(job.plan.chunks, 100);
  EXPECT_GE(job.plan.chunks, 90);
  EXPECT_THAT(job.plan.chunk_rule, HasSubstr("for the memory of their partial results"));
  EXPECT_EQ(plan("sums", 0, ChunkSize::items(1000)).plan.chunks, 1000) << "as asked";
}

TEST_F(ScriptedPlansTest, AnExactMergeHasAnAccumulatorForEachWorkerAlone) {
  answer_with([](ipc::Planned& plan) {
    plan.flags = GM_EXACT_MERGE;
    plan.accumulator_bytes = kPartialBytes;
  });
  const PlannedJob job = plan();
  EXPECT_TRUE(job.partials->exact);
  EXPECT_EQ(job.plan.partials, kWorkers);
  EXPECT_GE(job.plan.chunks, kMinAutoChunks);
  EXPECT_EQ(plan("sums", 0, ChunkSize::items(500'000)).plan.partials, 2);
}

TEST_F(ScriptedPlansTest, PartialsBeyondAnyMemoryArePlanned) {
  answer_with([](ipc::Planned& plan) { plan.accumulator_bytes = INT64_MAX; });
  EXPECT_EQ(plan().plan.partial_bytes, INT64_MAX);
}

TEST_F(ScriptedPlansTest, AKernelIsAskedTheSameOnlyOnce) {
  const JobPlan first = plan().plan;
  const JobPlan second = plan().plan;
  EXPECT_EQ(second.items, first.items);
  EXPECT_EQ(second.outputs.size(), first.outputs.size());
  plan("sums", 0, ChunkSize::items(7));
  EXPECT_EQ(asked(), 1);
}

TEST_F(ScriptedPlansTest, AnotherKernelOrParameterIsAskedAgain) {
  answer_with([](ipc::Planned& plan) { plan.outputs = {{DType::kInt8, {1'000'000}}}; });
  plan("sums", 1);
  plan("rows", 1);
  plan("sums", 2);
  EXPECT_EQ(asked(), 3);
  plan("sums", 1);
  EXPECT_EQ(asked(), 3);
}

TEST_F(ScriptedPlansTest, MoreAnswersThanAreKeptAreGivenAllTheSame) {
  for (std::int64_t seed = 0; seed < 300; ++seed)
    EXPECT_EQ(plan("sums", seed).plan.items, 1'000'000);
  EXPECT_EQ(asked(), 300);
}

TEST_F(ScriptedPlansTest, ARefusalIsAskedAgain) {
  refuse(true);
  EXPECT_EQ(test::error_of([&] { plan(); }).message(), "no");
  refuse(false);
  EXPECT_EQ(plan().plan.items, 1'000'000);
  EXPECT_EQ(asked(), 2);
}

}  // namespace
}  // namespace gristmill::engine
