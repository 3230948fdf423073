#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>
#include <thread>

#include "tests/process/process_test.h"
#include "tests/support/sanitizers.h"
#include "tests/support/visit_log.h"

namespace gristmill::test {
namespace {

using ResultsTest = ProcessTest;

TEST_F(ResultsTest, TheBitsDependNeitherOnWorkersNorOnChunks) {
  std::int64_t seed = 0;
  for (const int workers : {1, 2, 3, 8}) {
    const auto engine = engine_of(workers);
    for (const std::int64_t items : {1, 7, 1009, 20'011}) {
      const RowHashJob rows(items, 3, ++seed);
      for (const ChunkSize& size : {ChunkSize(), ChunkSize::items(1), ChunkSize::items(13),
                                    ChunkSize::items(items + 5), ChunkSize::bytes(4096)}) {
        rows.check(engine->submit(rows.spec(size)).wait());
      }
    }
  }
}

TEST_F(ResultsTest, EachItemIsVisitedOnceAlsoWhenChunksAreStolen) {
  const auto engine = engine_of(3);
  for (int i = 0; i < 20; ++i) {
    const VisitLog log;
    const Result result = engine->submit(log.spec(30'011, ChunkSize::items(1 + i))).wait();
    ASSERT_TRUE(result.done());
    check_each_chunk_once(result);
    log.check(result);
  }
}

TEST_F(ResultsTest, AHeldWorkersPartitionIsStolen) {
  const auto engine = engine_of(2);
  const GateFolder gate;
  const RowHashJob rows(4001, 2, 9);
  JobSpec spec = rows.spec(ChunkSize::items(13));
  spec.params["folder"] = gate.path();
  Job job = engine->submit(spec);
  wait_until([&] { return job.progress().items_done == 4001 - 13; });
  EXPECT_EQ(job.progress().workers_running, 2);
  gate.open();
  rows.check(job.wait());
}

TEST_F(ResultsTest, NoItemsAreAnEmptyResult) {
  const auto engine = engine_of(2);
  const RowHashJob none(0, 3, 1);
  const Result result = engine->submit(none.spec()).wait();
  none.check(result);
  EXPECT_EQ(result.summary().plan.workers, 0);
}

TEST_F(ResultsTest, OutlivesItsEngineAndItsJob) {
  const RowHashJob rows(1000, 2, 3);
  std::optional<Result> result;
  {
    const auto engine = engine_of(2);
    result = engine->submit(rows.spec()).wait();
  }
  EXPECT_TRUE(child_processes().empty());
  rows.check(*result);
  const Result copy = *result;
  result.reset();
  rows.check(copy);
}

TEST_F(ResultsTest, FilesHaveTheSameBitsAsMemoryAndNothingLiesBesideThem) {
  const TemporaryFolder folder;
  const RowHashJob rows(5000, 3, 4);
  const auto engine = engine_of(3);
  JobSpec spec = rows.spec(ChunkSize::items(17));
  spec.outputs = {{"hash", folder / "hash.npy"}, {"value", folder / "value.npy"}};
  rows.check(engine->submit(spec).wait());
  rows.check_hashes(Dataset::open(folder / "hash.npy").view());
  EXPECT_EQ(Dataset::open(folder / "value.npy").shape(), (Shape{5000, 2}));
  EXPECT_THAT(entries_of(folder.path()), testing::UnorderedElementsAre("hash.npy", "value.npy"));
}

TEST_F(ResultsTest, AJobThatFailsOrIsCancelledLeavesNoFileAndKeepsTheOldOne) {
  const TemporaryFolder folder;
  folder.write("hash.npy", "old");
  const auto engine = engine_of(2);
  JobSpec failing = misbehaving_at(35, "failed");
  failing.outputs = {{"hash", folder / "hash.npy"}};
  EXPECT_EQ(engine->submit(failing).wait().outcome(), Outcome::kFailed);
  EXPECT_THAT(entries_of(folder.path()), testing::ElementsAre("hash.npy"));
  const GateFolder gate;
  JobSpec waiting = misbehaving({{"how", "wait"}, {"folder", gate.path()}});
  waiting.outputs = {{"hash", folder / "hash.npy"}};
  Job job = engine->submit(waiting);
  gate.wait_for_worker_at(0);
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  EXPECT_THAT(entries_of(folder.path()), testing::ElementsAre("hash.npy"));
  EXPECT_EQ(text_of(folder / "hash.npy"), "old");
}

TEST_F(ResultsTest, JobsOfSeveralThreadsAreAllExact) {
  const auto engine = engine_of(2);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) {
        const RowHashJob rows(300 + 7 * i, 2, thread);
        rows.check(engine->submit(rows.spec(ChunkSize::items(9))).wait());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ResultsTest, WorkersHaveOneThreadAndAreToldSo) {
  const EnvironmentVariable omp("OMP_NUM_THREADS", "8");
  const EnvironmentVariable mkl("MKL_NUM_THREADS", "8");
  const auto engine = engine_of(2);
  const Result result =
      engine->submit({.kernel = "observe", .params = {{"items", std::int64_t{10}}}}).wait();
  ASSERT_TRUE(result.done());
  const auto facts = result.array().as<std::int64_t>();
  for (std::size_t row = 0; row < facts.size(); row += 6) {
    EXPECT_EQ(facts[row + 1], 1) << "threads";
    EXPECT_EQ(facts[row + 2], 1) << "OMP_NUM_THREADS";
    EXPECT_EQ(facts[row + 3], 1) << "OPENBLAS_NUM_THREADS";
    EXPECT_EQ(facts[row + 4], 1) << "MKL_NUM_THREADS";
  }
  EXPECT_STREQ(std::getenv("OMP_NUM_THREADS"), "8") << "the caller's own is left alone";
}

TEST_F(ResultsTest, WorkersDoNotInheritTheCallersDescriptors) {
  const TemporaryFolder folder;
  const std::string path = folder.write("secret", "").string();
  // Without O_CLOEXEC, as many programs open their files.
  const int fd = open(path.c_str(), O_RDONLY);
  ASSERT_GT(fd, 2);
  const int high = fcntl(fd, F_DUPFD, 500);
  const auto engine = engine_of(2);
  const Result result =
      engine->submit({.kernel = "observe", .params = {{"items", std::int64_t{10}}, {"file", path}}})
          .wait();
  close(fd);
  close(high);
  ASSERT_TRUE(result.done());
  const auto facts = result.array().as<std::int64_t>();
  for (std::size_t row = 0; row < facts.size(); row += 6) EXPECT_EQ(facts[row + 5], 0);
}

TEST_F(ResultsTest, DescriptorsDoNotGrowWithTheNumberOfJobs) {
  const auto engine = engine_of(2);
  const RowHashJob rows(100, 2, 1);
  expect_no_more_descriptors(
      10, 300, [&] { ASSERT_TRUE(engine->submit(rows.spec(ChunkSize::items(10))).wait().done()); });
}

// In kB.
std::int64_t sum_of_pss(const std::vector<pid_t>& processes) {
  std::int64_t sum = 0;
  for (const pid_t pid : processes) {
    const std::string text = text_of("/proc/" + std::to_string(pid) + "/smaps_rollup");
    const std::size_t line = text.find("\nPss:");
    EXPECT_NE(line, std::string::npos);
    if (line != std::string::npos) sum += std::atoll(text.c_str() + line + 5);
  }
  return sum;
}

TEST_F(ResultsTest, EightWorkersShareOneDataset) {
  if (kSanitized) GTEST_SKIP() << "sanitizers take memory of their own";
  constexpr std::int64_t kMiB = 1 << 20;
  constexpr std::int64_t kDatasetBytes = 256 * kMiB;
  const auto dataset = [] {
    const std::vector<std::int64_t> values(kDatasetBytes / 8, 1);
    return Dataset::copy_of(ArrayView(std::span(values), {kDatasetBytes / 8}));
  }();
  const auto engine = engine_of(8);
  const GateFolder gate;
  Job job = engine->submit({.kernel = "touch_pages",
                            .inputs = {{"pages", dataset}},
                            .params = {{"items", std::int64_t{8}}, {"folder", gate.path()}},
                            .chunk_size = ChunkSize::items(1)});
  // A worker stays in its chunk, so these are eight workers, each with every page mapped.
  wait_until([&] { return gate.announcements() == 8; });
  std::vector<pid_t> processes = child_processes();
  const std::int64_t bytes = sum_of_pss(processes) * 1024;
  gate.open();
  const Result result = job.wait();
  ASSERT_TRUE(result.done());
  for (const std::int64_t sum : result.array().as<std::int64_t>()) {
    EXPECT_EQ(sum, kDatasetBytes / 4096);
  }
  RecordProperty("pss_mib", static_cast<int>(bytes / kMiB));
  EXPECT_LE(bytes, kDatasetBytes + 8 * 8 + 8 * 8 * kMiB);
  EXPECT_EQ(result.summary().copied_bytes, 0);
}

}  // namespace
}  // namespace gristmill::test
