#include <algorithm>
#include <fstream>
#include <numeric>

#include "tests/process/process_test.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

// Files that the workers copy into memory.
class InMemoryTest : public ProcessTest {
 protected:
  static constexpr std::int64_t kRows = 300'000;
  static constexpr std::int64_t kBytes = kRows * 3 * 8;

  InMemoryTest() {
    std::vector<std::int64_t> values(kRows * 3);
    std::iota(values.begin(), values.end(), 1);
    std::ofstream(path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), kBytes);
  }

  std::filesystem::path path() const { return folder_ / "rows.bin"; }
  Dataset file() const { return Dataset::open_raw(path(), DType::kInt64, {kRows, 3}); }
  static void expect_rows(const Dataset& data) {
    ASSERT_EQ(data.shape(), (Shape{kRows, 3}));
    const auto values = data.view().as<std::int64_t>();
    std::int64_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      wrong += values[i] != static_cast<std::int64_t>(i) + 1 ? 1 : 0;
    }
    EXPECT_EQ(wrong, 0);
  }
  static Engine limited(std::int64_t memory_bytes) {
    return Engine({.workers = 2, .memory_bytes = memory_bytes});
  }

  TemporaryFolder folder_;
};

TEST_F(InMemoryTest, AFilesArrayIsInMemoryAndNoLongerDependsOnTheFile) {
  const auto engine = engine_of(3);
  const Dataset placed = engine->in_memory(file());
  std::ofstream(path(), std::ios::binary) << "another file now";
  expect_rows(placed);
  EXPECT_TRUE(placed.path().empty());
  EXPECT_EQ(placed.dtype(), DType::kInt64);
}

TEST_F(InMemoryTest, WhatIsInMemoryIsReturnedAsItIs) {
  const auto engine = engine_of(2);
  const Dataset placed = engine->in_memory(file());
  EXPECT_EQ(engine->in_memory(placed).view().data(), placed.view().data());
  const double value = 1.5;
  const Dataset copy = Dataset::copy_of(ArrayView(std::span(&value, 1), {1}));
  EXPECT_EQ(engine->in_memory(copy).view().data(), copy.view().data());
  const Dataset odd = Dataset::open_raw(path(), DType::kInt64, {100}, 1);
  EXPECT_TRUE(odd.is_in_memory()) << "it was copied because it is not aligned";
  EXPECT_EQ(engine->in_memory(odd).view().data(), odd.view().data());
  EXPECT_FALSE(file().is_in_memory());
}

TEST_F(InMemoryTest, ScalarsAndEmptyArraysKeepTheirShape) {
  const auto engine = engine_of(2);
  const Dataset scalar = engine->in_memory(Dataset::open_raw(path(), DType::kInt64, {}));
  EXPECT_TRUE(scalar.shape().empty());
  EXPECT_EQ(scalar.view().as<std::int64_t>()[0], 1);
  const Dataset none = engine->in_memory(Dataset::open_raw(path(), DType::kInt64, {0, 5}));
  EXPECT_EQ(none.shape(), (Shape{0, 5}));
}

TEST_F(InMemoryTest, WorkersHaveItWarm) {
  const auto engine = engine_of(1);
  const Dataset placed = engine->in_memory(file());
  const auto faulted_by_a_job_on = [&](const Dataset& rows) {
    return engine->submit({.kernel = "hash_rows", .inputs = {{"rows", rows}}})
        .wait()
        .summary()
        .faulted_bytes;
  };
  faulted_by_a_job_on(file());
  EXPECT_LT(faulted_by_a_job_on(placed), kBytes / 8);
}

TEST_F(InMemoryTest, APluginsKernelOfTheSameNameIsNotUsed) {
  // The planner is asked for the built-in plug-in alone; other plug-ins are not even loaded.
  const auto engine = std::make_unique<Engine>(
      EngineOptions{.workers = 2, .plugins = {test_plugin("gristmill-test-abort-at-load")}});
  expect_rows(engine->in_memory(file()));
}

TEST_F(InMemoryTest, TheMemoryLimitHoldsAndNobodyDies) {
  Engine engine = limited(4 << 20);
  const std::vector<pid_t> before = child_processes();
  const Error error = error_of([&] { engine.in_memory(file()); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_THAT(error.message(), testing::HasSubstr("could not place \"" + path().string() +
                                                  "\" in memory: could not reserve"));
  EXPECT_EQ(error.detail(), "8.0 MiB were asked for and 4.0 MiB of the limit of 4.0 MiB are left.");
  EXPECT_EQ(child_processes(), before);
  const Dataset part = Dataset::open_raw(path(), DType::kInt64, {1000, 3});
  EXPECT_EQ(engine.in_memory(part).view().as<std::int64_t>()[2999], 3000);
}

TEST_F(InMemoryTest, TheLimitCountsDatasetsAndOutputsTogetherAsLongAsTheyLive) {
  Engine engine = limited(20 << 20);
  std::optional<Dataset> first = engine.in_memory(file());
  const Dataset second = engine.in_memory(file());
  EXPECT_EQ(error_of([&] { engine.in_memory(file()); }).code(), ErrorCode::kResources);
  first.reset();
  expect_rows(engine.in_memory(file()));
  expect_rows(second);
}

TEST_F(InMemoryTest, AFileThatChangesMeanwhileIsAnError) {
  const auto engine = engine_of(2);
  const Dataset data = file();
  std::ofstream(path(), std::ios::binary | std::ios::app) << "more";
  const Error error = error_of([&] { engine->in_memory(data); });
  EXPECT_EQ(error.code(), ErrorCode::kFailed);
  EXPECT_THAT(error.message(), testing::HasSubstr("changed while the job ran"));
}

TEST_F(InMemoryTest, CanBeCancelledLikeAnyJob) {
  const auto engine = engine_of(2);
  Job job = engine->submit_in_memory(file());
  job.cancel();
  const Result result = job.wait();
  EXPECT_NE(result.outcome(), Outcome::kFailed);
  expect_rows(engine->in_memory(file()));
}

}  // namespace
}  // namespace gristmill::test
