#include "tests/support/spaces_job.h"

#include <gtest/gtest.h>

#include "engine/engine_core.h"
#include "tests/support/error_of.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thread_launcher.h"

namespace gristmill {
namespace {

using test::SpacesJob;

std::unique_ptr<EngineCore> engine_of_threads(int workers) {
  return std::make_unique<EngineCore>(
      std::make_unique<test::ThreadLauncher>(), workers,
      std::vector<std::string>{test::test_plugin("gristmill-test-spaces").string()});
}

const std::vector<std::string> kPatterns = {"map", "reduce", "emit"};
const std::vector<std::string> kSpaces = {"rows", "range", "tiles", "triangle"};

// None; one; not a multiple of a tile; tiles of one row or column.
std::vector<SpacesJob::Lengths> lengths_for(const std::string& space) {
  if (space == "rows" || space == "range") return {{0}, {1}, {2}, {1009}, {5003}};
  return {{0, 0},         {0, 5},         {1, 1},          {10, 7, 3, 2},
          {64, 64, 8, 8}, {33, 90, 1, 9}, {41, 17, 11, 1}, {20, 30}};
}

class SpacesTest : public testing::TestWithParam<int> {
 protected:
  void for_each_job(const std::function<void(const SpacesJob&)>& body) const {
    for (const std::string& pattern : kPatterns) {
      for (const std::string& space : kSpaces) {
        for (const SpacesJob::Lengths& lengths : lengths_for(space)) {
          SCOPED_TRACE(pattern + " of " + space + ", " + std::to_string(lengths.rows) + " x " +
                       std::to_string(lengths.columns));
          body(SpacesJob(pattern, space, lengths));
        }
      }
    }
  }

  std::unique_ptr<EngineCore> engine_ = engine_of_threads(GetParam());
};

TEST_P(SpacesTest, EachPatternOverEachIndexSpaceGivesWhatAPlainLoopGives) {
  for_each_job([&](const SpacesJob& job) {
    for (const ChunkSize& size :
         {ChunkSize(), ChunkSize::items(1), ChunkSize::items(13), ChunkSize::items(100'000)}) {
      job.check(engine_->submit(job.spec(size)).wait());
    }
  });
}

TEST_P(SpacesTest, AnOutputThatNobodyWantsIsLeftOut) {
  for_each_job([&](const SpacesJob& job) {
    for (const char* output : {"value", "pair"}) {
      JobSpec spec = job.spec(ChunkSize::items(3));
      spec.outputs = {{output, {}}};
      const Result result = engine_->submit(spec).wait();
      job.check(result);
      EXPECT_EQ(result.summary().plan.outputs.size(), 1U);
    }
  });
}

TEST_P(SpacesTest, FilesHaveTheNumbersThatMemoryHas) {
  for_each_job([&](const SpacesJob& job) {
    const test::TemporaryFolder folder;
    JobSpec spec = job.spec(ChunkSize::items(3));
    spec.outputs = {{"value", folder / "value.npy"}, {"pair", {}}};
    const Result result = engine_->submit(spec).wait();
    job.check(result);
    const Dataset file = Dataset::open(folder / "value.npy");
    const auto values = file.view().as<std::int64_t>();
    EXPECT_EQ(std::vector<std::int64_t>(values.begin(), values.end()),
              test::numbers_of(result, "value"));
  });
}

TEST_P(SpacesTest, EmittedPartsAreConcatenatedInOrder) {
  const SpacesJob job("emit", "rows", {5003});
  const Result result = engine_->submit(job.spec(ChunkSize::items(7))).wait();
  job.check(result);
  for (const char* output : {"value", "pair"}) {
    const Dataset whole = result.concatenated(output);
    const auto values = whole.view().as<std::int64_t>();
    EXPECT_EQ(std::vector<std::int64_t>(values.begin(), values.end()),
              test::numbers_of(result, output));
  }
  EXPECT_EQ(result.summary().plan.outputs[0].shape, Shape{job.emitted_rows()});
}

TEST_P(SpacesTest, CountersAndLinesArriveInTheSummary) {
  const SpacesJob rows("emit", "rows", {1000});
  const Result result = engine_->submit(rows.spec(ChunkSize::items(10))).wait();
  EXPECT_EQ(result.summary().counters,
            (std::map<std::string, std::int64_t>{{"runs", result.summary().plan.chunks}}));
  ASSERT_EQ(result.summary().log.size(), 1U);
  EXPECT_EQ(result.summary().log[0].text, "the first item");
  EXPECT_FALSE(result.summary().log[0].is_warning);
  const SpacesJob tiles("map", "tiles", {50, 40, 10, 10});
  EXPECT_EQ(engine_->submit(tiles.spec(ChunkSize::items(6))).wait().summary().counters.at("runs"),
            20)
      << "one for each tile";
}

TEST_P(SpacesTest, ARowTooMuchFailsTheJobAndNamesChunkAndRows) {
  const SpacesJob job("emit", "rows", {100});
  JobSpec spec = job.spec(ChunkSize::items(10));
  spec.params.insert({{"at", std::int64_t{35}}, {"how", "overrun"}});
  const Result result = engine_->submit(spec).wait();
  ASSERT_EQ(result.outcome(), Outcome::kFailed);
  EXPECT_EQ(result.error()->code(), ErrorCode::kFailed);
  const std::string text = result.error()->message() + " / " + result.error()->detail();
  for (const char* part :
       {"kernel \"emit_rows\": it committed 3 rows and had room for 2", "chunk 3", "30 to 39"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
  job.check(engine_->submit(job.spec()).wait());
}

TEST_P(SpacesTest, AKernelThatFailsInAnyPatternFailsTheJobAndLeavesTheEngineUsable) {
  for (const std::string& pattern : kPatterns) {
    for (const std::string& space : kSpaces) {
      const SpacesJob job(pattern, space, {50, 50, 4, 4});
      JobSpec spec = job.spec(ChunkSize::items(3));
      spec.params["at"] = std::int64_t{17};
      const Result result = engine_->submit(spec).wait();
      ASSERT_EQ(result.outcome(), Outcome::kFailed) << spec.kernel;
      EXPECT_NE(result.error()->message().find("it was asked to fail"), std::string::npos)
          << result.error()->message();
      EXPECT_THROW(result.parts("value"), Error);
      job.check(engine_->submit(job.spec(ChunkSize::items(3))).wait());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, SpacesTest, testing::Values(1, 2, 3, 8),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace gristmill
