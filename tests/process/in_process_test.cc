// Workers on threads of this process: the same results and errors as those in processes.
#include <sys/mman.h>

#include <cstring>

#include "tests/process/process_test.h"
#include "tests/support/digest_job.h"
#include "tests/support/visit_log.h"

namespace gristmill::test {
namespace {

class InProcessTest : public ProcessTest {
 protected:
  static std::unique_ptr<Engine> in_process(int workers) {
    EngineOptions options = options_of(workers);
    options.in_process = true;
    return std::make_unique<Engine>(std::move(options));
  }

  // Fails the test unless both engines fail the job, and say the same.
  static void expect_same_failure(const JobSpec& spec) {
    const auto processes = engine_of(1);
    const auto threads = in_process(1);
    const Result expected = processes->submit(spec).wait();
    const Result result = threads->submit(spec).wait();
    ASSERT_TRUE(expected.error());
    ASSERT_TRUE(result.error());
    EXPECT_EQ(result.error()->code(), expected.error()->code());
    EXPECT_EQ(result.error()->message(), expected.error()->message());
    EXPECT_EQ(result.error()->detail(), expected.error()->detail());
    EXPECT_EQ(result.error()->hint(), expected.error()->hint());
  }

  // The same for two engines that refuse something.
  static void expect_same_refusal(const std::function<void(Engine&)>& ask,
                                  const std::vector<std::filesystem::path>& plugins = {}) {
    std::vector<std::string> messages;
    for (const bool in_process : {false, true}) {
      EngineOptions options = options_of(1);
      if (!plugins.empty()) options.plugins = plugins;
      options.in_process = in_process;
      Engine engine(std::move(options));
      try {
        ask(engine);
        ADD_FAILURE() << "nothing was refused";
      } catch (const Error& error) {
        messages.push_back(error.message() + error.detail() + error.hint());
      }
    }
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0], messages[1]);
  }
};

std::size_t worker_threads() {
  std::size_t count = 0;
  for (const std::string& task : entries_of("/proc/self/task")) {
    count += text_of("/proc/self/task/" + task + "/comm").starts_with("gm-worker-") ? 1 : 0;
  }
  return count;
}

TEST_F(InProcessTest, AMapHasTheBitsOfAPlainLoop) {
  for (const int workers : {1, 3}) {
    const auto engine = in_process(workers);
    for (const std::int64_t items : {1, 1009, 20'011}) {
      const RowHashJob rows(items, 3, items);
      for (const ChunkSize& size : {ChunkSize(), ChunkSize::items(13)}) {
        rows.check(engine->submit(rows.spec(size)).wait());
      }
    }
  }
}

TEST_F(InProcessTest, AReduceHasTheBitsOfAPlainTree) {
  for (const int workers : {1, 3}) {
    const auto engine = in_process(workers);
    for (const std::int64_t items : {0, 1, 1009, 20'011}) {
      const DigestJob job(items);
      job.check(engine->submit(job.spec(ChunkSize::items(13))).wait());
    }
  }
}

TEST_F(InProcessTest, EachItemIsVisitedOnce) {
  const auto engine = in_process(3);
  const VisitLog log;
  const Result result = engine->submit(log.spec(30'011, ChunkSize::items(3))).wait();
  ASSERT_TRUE(result.done());
  check_each_chunk_once(result);
  log.check(result);
}

TEST_F(InProcessTest, AFileHasTheBytesThatProcessesWrite) {
  const TemporaryFolder folder;
  const RowHashJob rows(5000, 3, 4);
  for (const char* name : {"threads.npy", "processes.npy"}) {
    const auto engine = std::string(name) == "threads.npy" ? in_process(2) : engine_of(2);
    JobSpec spec = rows.spec(ChunkSize::items(17));
    spec.outputs = {{"hash", folder / name}};
    ASSERT_TRUE(engine->submit(spec).wait().done());
  }
  EXPECT_EQ(text_of(folder / "threads.npy"), text_of(folder / "processes.npy"));
}

TEST_F(InProcessTest, AResultIsTheInputOfTheNextJob) {
  const auto engine = in_process(2);
  const RowHashJob rows(1000, 2, 8);
  Result result = engine->submit(rows.spec()).wait();
  rows.check(result);
  const Result copy =
      engine->submit({.kernel = "copy", .inputs = {{"array", result.dataset("hash")}}}).wait();
  ASSERT_TRUE(copy.done());
  rows.check_hashes(copy.array());
}

TEST_F(InProcessTest, NoProcessIsStartedAndThreadsAreNamed) {
  const auto engine = in_process(2);
  const GateFolder gate;
  Job job = engine->submit(
      misbehaving({{"at", std::int64_t{-1}}, {"how", "wait"}, {"folder", gate.path()}}));
  wait_until([&] { return gate.announcements() >= 2; });
  EXPECT_TRUE(child_processes().empty());
  EXPECT_EQ(worker_threads(), 3U) << "two workers and the planner";
  gate.open();
  EXPECT_TRUE(job.wait().done());
}

TEST_F(InProcessTest, AKernelsErrorIsTheSame) {
  for (const char* how : {"failed", "invalid", "no_memory", "throw", "throw_int"}) {
    SCOPED_TRACE(how);
    expect_same_failure(misbehaving_at(35, how));
    expect_same_failure(misbehaving({{"open", how}}));
  }
}

TEST_F(InProcessTest, ARefusalToPlanIsTheSame) {
  expect_same_refusal([](Engine& engine) { engine.plan(misbehaving({{"plan", "invalid"}})); });
}

TEST_F(InProcessTest, APlugInIsRefusedInTheSameWords) {
  const TemporaryFolder folder;
  folder.write("text.so", "no plug-in");
  expect_same_refusal([](Engine& engine) { engine.kernels(); }, {folder / "text.so"});
}

TEST_F(InProcessTest, APlugInThatIsBuiltAgainIsRefusedByTheProcessThatHasTheOldOne) {
  const TemporaryFolder folder;
  const std::filesystem::path plugin = folder / "plugin.so";
  const auto kernels = [&] {
    EngineOptions options = options_of(1);
    options.plugins = {plugin};
    options.in_process = true;
    return Engine(std::move(options)).kernels();
  };
  std::filesystem::copy_file(test_plugin("gristmill-test-kernels"), plugin);
  EXPECT_EQ(kernels().front().name, "hash_rows");
  EXPECT_EQ(kernels().front().name, "hash_rows") << "in an engine of its own";
  std::filesystem::remove(plugin);
  std::filesystem::copy_file(test_plugin("gristmill-test-misbehaving"), plugin);
  try {
    kernels();
    ADD_FAILURE() << "the old kernels were taken for the new ones";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("it was changed after this process had"));
  }
}

TEST_F(InProcessTest, ACancelledJobEndsAtItsNextChunkAndTheNextOneIsExact) {
  const auto engine = in_process(2);
  const GateFolder gate;
  Job job = engine->submit(
      misbehaving({{"at", std::int64_t{-1}}, {"how", "wait"}, {"folder", gate.path()}}));
  wait_until([&] { return gate.announcements() >= 2; });
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  const RowHashJob rows(2000, 2, 77);
  rows.check(engine->submit(rows.spec(ChunkSize::items(7))).wait());
}

TEST_F(InProcessTest, TheEndOfTheEngineCancelsItsJobs) {
  auto engine = in_process(2);
  const GateFolder gate;
  Job job = engine->submit(
      misbehaving({{"at", std::int64_t{-1}}, {"how", "wait"}, {"folder", gate.path()}}));
  wait_until([&] { return gate.announcements() >= 2; });
  engine.reset();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  EXPECT_EQ(worker_threads(), 0U);
}

TEST_F(InProcessTest, ManyJobsLeaveNoDescriptor) {
  const auto engine = in_process(2);
  const RowHashJob rows(1000, 2, 6);
  expect_no_more_descriptors(3, 50, [&] { rows.check(engine->submit(rows.spec()).wait()); });
}

TEST_F(InProcessTest, FaultsOfOtherThreadsAreNotCounted) {
  constexpr std::int64_t kBytes = std::int64_t{64} << 20;
  const auto engine = in_process(2);
  const GateFolder gate;
  Job job = engine->submit(
      misbehaving({{"at", std::int64_t{-1}}, {"how", "wait"}, {"folder", gate.path()}}));
  wait_until([&] { return gate.announcements() >= 2; });
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, kBytes, MADV_NOHUGEPAGE);
  std::memset(memory, 1, kBytes);
  gate.open();
  const Result result = job.wait();
  EXPECT_LT(result.summary().faulted_bytes, kBytes);
  munmap(memory, kBytes);
}

}  // namespace
}  // namespace gristmill::test
