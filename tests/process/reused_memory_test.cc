#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "tests/process/process_test.h"
#include "tests/support/error_of.h"
#include "tests/support/forked_child.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

// Jobs whose outputs lie in memory of jobs before them, or are their inputs.
class ReusedMemoryTest : public ProcessTest {
 protected:
  static constexpr std::int64_t kItems = std::int64_t{2} << 20;
  static constexpr std::int64_t kBytes = kItems * 8;

  static Dataset zeros(std::int64_t items = kItems) {
    const std::vector<std::int64_t> values(static_cast<std::size_t>(items), 0);
    return Dataset::copy_of(ArrayView(std::span(values), {items}));
  }
  static JobSpec add_one(Dataset rows) {
    return {.kernel = "add_one", .inputs = {{"rows", std::move(rows)}}};
  }
  static void expect_all(const ArrayView& array, std::int64_t value) {
    const auto values = array.as<std::int64_t>();
    EXPECT_TRUE(std::all_of(values.begin(), values.end(),
                            [value](std::int64_t found) { return found == value; }))
        << "not all are " << value;
  }
};

TEST_F(ReusedMemoryTest, AChainOfJobsAlternatesBetweenTwoSegmentsAndCopiesNothing) {
  const auto engine = engine_of(2);
  Dataset next = zeros();
  std::vector<const void*> addresses;
  for (int i = 0; i < 8; ++i) {
    const Result result = engine->submit(add_one(next)).wait();
    ASSERT_TRUE(result.done()) << result.error()->message();
    EXPECT_EQ(result.summary().copied_bytes, 0);
    next = result.dataset();
    EXPECT_EQ(next.view().data(), result.array().data()) << "no copy";
    addresses.push_back(next.view().data());
    expect_all(next.view(), i + 1);
  }
  EXPECT_LE(std::set(addresses.begin(), addresses.end()).size(), 3U);
}

TEST_F(ReusedMemoryTest, AChainOfJobsOfOneWorkerSoonFaultsNoMore) {
  const auto engine = engine_of(1);
  Dataset next = zeros();
  std::int64_t least = kBytes;
  for (int i = 0; i < 8; ++i) {
    const Result result = engine->submit(add_one(next)).wait();
    next = result.dataset();
    if (i >= 2) least = std::min(least, result.summary().faulted_bytes);
  }
  EXPECT_LT(least, kBytes / 8);
}

TEST_F(ReusedMemoryTest, AResultStaysAsItIsWhileLaterJobsRun) {
  const auto engine = engine_of(2);
  const Result first = engine->submit(add_one(zeros(1000))).wait();
  const Dataset second = engine->submit(add_one(first.dataset())).wait().dataset();
  for (int i = 0; i < 10; ++i) engine->submit(add_one(second)).wait();
  expect_all(first.array(), 1);
  expect_all(second.view(), 2);
}

TEST_F(ReusedMemoryTest, ADatasetOutlivesItsResultAndItsEngine) {
  std::optional<Dataset> kept;
  {
    const auto engine = engine_of(2);
    kept = engine->submit(add_one(zeros(1000))).wait().dataset();
  }
  expect_all(kept->view(), 1);
  const auto other = engine_of(2);
  expect_all(other->submit(add_one(*kept)).wait().array(), 2);
}

TEST_F(ReusedMemoryTest, AKernelThatStoresIntoAResultDiesAndTheResultIsUnchanged) {
  const auto engine = engine_of(2);
  const Result first = engine->submit(add_one(zeros(1000))).wait();
  JobSpec storing = misbehaving_at(35, "store");
  storing.inputs = {{"rows", first.dataset()}};
  expect_failure(engine->submit(storing).wait(), {"was killed by SIGSEGV in chunk 3"});
  expect_all(first.array(), 1);
  expect_good_engine(*engine);
}

TEST_F(ReusedMemoryTest, AForkedChildReadsAResult) {
  std::optional<Dataset> kept;
  kept = engine_of(2)->submit(add_one(zeros(1000))).wait().dataset();
  const auto values = kept->view().as<std::int64_t>();
  ForkedChild child([&] {
    return std::all_of(values.begin(), values.end(), [](std::int64_t v) { return v == 1; }) ? 7 : 8;
  });
  EXPECT_EQ(child.exit_code(), 7);
}

TEST_F(ReusedMemoryTest, AResultInAFileIsWatchedLikeAnyFile) {
  const TemporaryFolder folder;
  const auto engine = engine_of(2);
  JobSpec spec = add_one(zeros(1000));
  spec.outputs = {{"sum", folder / "sum.npy"}};
  const Dataset written = engine->submit(spec).wait().dataset();
  expect_all(engine->submit(add_one(written)).wait().array(), 2);
  std::filesystem::last_write_time(
      folder / "sum.npy", std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  expect_failure(engine->submit(add_one(written)).wait(), {"changed while the job ran"});
  JobSpec onto_itself = add_one(written);
  onto_itself.outputs = {{"sum", folder / "sum.npy"}};
  EXPECT_THROW(engine->submit(onto_itself), Error);
}

TEST_F(ReusedMemoryTest, CopiesOfArraysLieInTheMemoryOfTheCopyBefore) {
  const auto engine = engine_of(2);
  std::vector<std::int64_t> values(kItems);
  std::set<const void*> addresses;
  for (int i = 0; i < 6; ++i) {
    std::fill(values.begin(), values.end(), i);
    Dataset copy = engine->copy_of(ArrayView(std::span<const std::int64_t>(values), {kItems}));
    addresses.insert(copy.view().data());
    std::fill(values.begin(), values.end(), -1);
    expect_all(copy.view(), i);
    expect_all(engine->submit(add_one(std::move(copy))).wait().array(), i + 1);
  }
  EXPECT_LE(addresses.size(), 2U) << "one of the copies, one of the results";
}

TEST_F(ReusedMemoryTest, CopiesLeaveTheMemoryLimitToResults) {
  EngineOptions options = options_of(1);
  options.memory_bytes = kBytes;
  Engine engine(std::move(options));
  const std::vector<std::int64_t> values(kItems, 5);
  const Dataset copy = engine.copy_of(ArrayView(std::span(values), {kItems}));
  expect_all(engine.submit(add_one(copy)).wait().array(), 6);
  const Dataset none = engine.copy_of(ArrayView(std::span(values).first(0), {0}));
  EXPECT_EQ(none.size_bytes(), 0);
}

TEST_F(ReusedMemoryTest, ACopyOfWhatCannotBeReadIsRefused) {
  const auto engine = engine_of(1);
  const ArrayView nowhere(reinterpret_cast<const void*>(64), DType::kInt64, {kItems});
  EXPECT_EQ(error_of([&] { engine->copy_of(nowhere); }).message(),
            "could not fill a copy of 2097152 x int64: bad address");
}

TEST_F(ReusedMemoryTest, AnOutputWithoutElementsCanBeAFile) {
  const TemporaryFolder folder;
  const auto engine = engine_of(2);
  const std::vector<double> none;
  const Dataset rows = Dataset::copy_of(ArrayView(std::span(none), {3, 0}));
  const Result result = engine
                            ->submit({.kernel = "copy",
                                      .inputs = {{"array", rows}},
                                      .outputs = {{"copy", folder / "copy.npy"}}})
                            .wait();
  ASSERT_TRUE(result.done()) << result.error()->message();
  EXPECT_EQ(Dataset::open(folder / "copy.npy").shape(), (Shape{3, 0}));
}

// Steps of 2 MiB: one for the outputs of a job, one for its partials while it runs.
TEST_F(ReusedMemoryTest, SmallReducesKeepToTheMemoryLimit) {
  constexpr std::size_t kSteps = 16;
  for (int i = 0; i < 10; ++i) {
    Engine engine({.workers = 2, .memory_bytes = kSteps << 21});
    const JobSpec spec{.kernel = "describe", .inputs = {{"rows", zeros(100'000)}}};
    std::vector<Result> kept;
    try {
      while (kept.size() <= kSteps) kept.push_back(engine.submit(spec).wait());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kResources);
    }
    EXPECT_LE(kept.size(), kSteps);
    EXPECT_GE(kept.size(), kSteps / 2);
  }
}

TEST_F(ReusedMemoryTest, TheHandleOfAnEndedReduceKeepsItsOutputsAlone) {
  constexpr int kJobs = 10;
  Engine engine({.workers = 2, .memory_bytes = (kJobs + 3) << 21});
  const JobSpec spec{.kernel = "describe", .inputs = {{"rows", zeros(100'000)}}};
  std::vector<Job> kept;
  for (int i = 0; i < kJobs; ++i) {
    kept.push_back(engine.submit(spec));
    EXPECT_TRUE(kept.back().wait().done());
  }
}

TEST_F(ReusedMemoryTest, ThreeHundredChainedJobsDoNotCollectDescriptors) {
  const auto engine = engine_of(2);
  Dataset next = zeros(1000);
  expect_no_more_descriptors(10, 300,
                             [&] { next = engine->submit(add_one(next)).wait().dataset(); });
  expect_all(next.view(), 310);
}

}  // namespace
}  // namespace gristmill::test
