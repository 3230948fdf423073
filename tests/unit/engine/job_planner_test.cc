#include "engine/job_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thread_launcher.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

// Its worker is a thread of this process.
class JobPlannerTest : public testing::Test {
 protected:
  Error refusal(const JobSpec& spec) {
    Error error = test::error_of([&] { jobs_.plan(spec); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    return error;
  }

  test::ThreadLauncher launcher_;
  Planner planner_{[this] { return start_worker(launcher_); }};
  JobPlanner jobs_{planner_,
                   {test::test_plugin("gristmill-test-kernels").string(),
                    test::test_plugin("gristmill-kernels").string()},
                   4};
  test::RowHashJob rows_{100, 2, 1};
};

TEST_F(JobPlannerTest, KnowsTheKernelsOfAllPlugInsInTheirOrder) {
  std::vector<std::string> names;
  for (const KernelInfo& kernel : jobs_.kernels()) names.push_back(kernel.name);
  ASSERT_GT(names.size(), 8U);
  names.resize(8);
  EXPECT_THAT(names, testing::ElementsAre("hash_rows", "log_visits", "add_to_zero", "add_one",
                                          "mean_distance", "nearest", "describe", "copy"));
  EXPECT_EQ(jobs_.kernel("describe").pattern, Pattern::kReduce);
  EXPECT_EQ(jobs_.kernel("nearest").plugin, test::test_plugin("gristmill-kernels"));
}

TEST_F(JobPlannerTest, SaysAllThatTheJobWouldDo) {
  const PlannedJob job = jobs_.plan(rows_.spec(ChunkSize::items(30)));
  EXPECT_EQ(job.plan.kernel, "hash_rows");
  EXPECT_EQ(job.plan.index_space, "rows of \"rows\"");
  EXPECT_EQ(job.plan.items, 100);
  EXPECT_EQ(job.plan.bytes_per_item, 16 + 8 + 16);
  EXPECT_EQ(job.plan.chunk_items, 30);
  EXPECT_EQ(job.plan.chunks, 4);
  EXPECT_EQ(job.plan.workers, 4);
  EXPECT_EQ(job.plan.mapped_bytes, 1600);
  EXPECT_EQ(job.plan.reserved_bytes, 2400);
  ASSERT_EQ(job.plan.outputs.size(), 2U);
  EXPECT_EQ(job.plan.outputs[1].name, "value");
  EXPECT_EQ(job.plan.outputs[1].shape, (Shape{100, 2}));
  EXPECT_FALSE(job.partials);
  EXPECT_TRUE(job.outputs.empty()) << "nothing is reserved";
}

TEST_F(JobPlannerTest, OnlyTheOutputsAskedForAreMade) {
  JobSpec spec = rows_.spec();
  spec.outputs = {{"value", {}}};
  const PlannedJob job = jobs_.plan(spec);
  ASSERT_EQ(job.plan.outputs.size(), 1U);
  EXPECT_EQ(job.plan.reserved_bytes, 1600);
  EXPECT_EQ(job.request.outputs_wanted, (std::vector<bool>{false, true}));
  EXPECT_FALSE(job.plan_output_index[0]);
  EXPECT_EQ(job.plan_output_index[1], 0U);
}

TEST_F(JobPlannerTest, ANamelessInputIsTheOnlyRequiredOne) {
  JobSpec spec = rows_.spec();
  spec.inputs[0].name.clear();
  EXPECT_EQ(jobs_.plan(spec).plan.items, 100);
  EXPECT_THAT(refusal({.kernel = "log_visits", .inputs = spec.inputs}).message(),
              HasSubstr("takes no input"));
}

TEST_F(JobPlannerTest, OffersTheNearestNameForUnknownOnes) {
  JobSpec spec = rows_.spec();
  spec.kernel = "hash_row";
  EXPECT_THAT(refusal(spec).message(), HasSubstr("\"hash_rows\""));
  spec = rows_.spec();
  spec.inputs[0].name = "row";
  EXPECT_THAT(refusal(spec).message(), HasSubstr("\"row\""));
  spec = rows_.spec();
  spec.outputs = {{"hush", {}}};
  EXPECT_EQ(refusal(spec).message(),
            "kernel \"hash_rows\": unknown output \"hush\": did you mean \"hash\"?");
  spec = rows_.spec();
  spec.params["sead"] = std::int64_t{1};
  EXPECT_THAT(refusal(spec).message(), HasSubstr("\"seed\""));
}

TEST_F(JobPlannerTest, RefusesMissingAndRepeatedNames) {
  JobSpec spec = rows_.spec();
  spec.inputs.clear();
  EXPECT_THAT(refusal(spec).message(), HasSubstr("needs input \"rows\""));
  spec = rows_.spec();
  spec.inputs.push_back(spec.inputs[0]);
  EXPECT_THAT(refusal(spec).message(), HasSubstr("given twice"));
  spec = rows_.spec();
  spec.outputs = {{"hash", {}}, {"hash", {}}};
  EXPECT_THAT(refusal(spec).message(), HasSubstr("asked for twice"));
  spec.outputs = {{"", {}}};
  EXPECT_THAT(refusal(spec).message(), HasSubstr("several outputs"));
}

TEST_F(JobPlannerTest, PassesOnTheKernelsOwnRefusal) {
  const std::vector<double> wrong(8);
  JobSpec spec = rows_.spec();
  spec.inputs[0].data = Dataset::copy_of(ArrayView(std::span(wrong), {4, 2}));
  const Error error = refusal(spec);
  EXPECT_THAT(error.message(), HasSubstr("kernel \"hash_rows\""));
  EXPECT_THAT(error.message(), HasSubstr("float64, not int64"));
  EXPECT_FALSE(error.hint().empty());
}

TEST_F(JobPlannerTest, RefusesAChunkSizeBelowOne) {
  EXPECT_THAT(refusal(rows_.spec(ChunkSize::items(0))).message(), HasSubstr("chunk size 0"));
  EXPECT_THAT(refusal(rows_.spec(ChunkSize::bytes(-5))).message(), HasSubstr("chunk size -5"));
}

TEST_F(JobPlannerTest, NoItemsAreNoChunksAndNoWorkers) {
  const JobPlan plan =
      jobs_.plan({.kernel = "log_visits", .params = {{"items", std::int64_t{0}}}}).plan;
  EXPECT_EQ(plan.items, 0);
  EXPECT_EQ(plan.chunks, 0);
  EXPECT_EQ(plan.workers, 0);
}

TEST_F(JobPlannerTest, RefusesAPlugInThatIsNone) {
  const test::TemporaryFolder folder;
  JobPlanner jobs(planner_, {folder.write("text.so", "not an object").string()}, 1);
  const Error error = test::error_of([&] { jobs.kernels(); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr("text.so"));
}

}  // namespace
}  // namespace gristmill::engine
