#include <filesystem>

#include "tests/process/process_test.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

// A plug-in that is built again while an engine has it: what was described is not what would run.
class ChangedPluginTest : public ProcessTest {
 protected:
  void install(const char* plugin) const {
    const std::filesystem::path copy = folder_ / "new.so";
    std::filesystem::copy_file(test_plugin(plugin), copy);
    std::filesystem::rename(copy, path());
  }
  std::filesystem::path path() const { return folder_ / "kernels.so"; }
  std::unique_ptr<Engine> engine(int workers) const {
    return std::make_unique<Engine>(EngineOptions{.workers = workers, .plugins = {path()}});
  }
  void expect_refused(const Error& error) const {
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), testing::HasSubstr('"' + path().string() + '"'));
    EXPECT_THAT(error.message(), testing::HasSubstr("was changed"));
    EXPECT_NE(error.hint(), "");
  }
  static JobSpec fill(std::int64_t items) {
    return {.kernel = "fill", .params = {{"items", items}}, .chunk_size = ChunkSize::items(1)};
  }

  const TemporaryFolder folder_;
};

TEST_F(ChangedPluginTest, ARunAfterItWasDescribedIsRefusedAndNamesTheFile) {
  install("gristmill-test-plain");
  const auto changed = engine(2);
  ASSERT_EQ(changed->kernels()[0].name, "fill");
  install("gristmill-test-abi1");
  const Result result = changed->submit(fill(100)).wait();
  ASSERT_EQ(result.outcome(), Outcome::kFailed);
  expect_refused(*result.error());
  EXPECT_EQ(engine(1)->kernels()[0].name, "abi1_map") << "a new engine takes the new file";
}

TEST_F(ChangedPluginTest, AWorkerThatLoadsItLaterThanOthersIsRefused) {
  install("gristmill-test-plain");
  const auto changed = engine(2);
  // One chunk: one worker loads it.
  ASSERT_TRUE(changed->submit(fill(1)).wait().done());
  install("gristmill-test-abi1");
  const Result one = changed->submit(fill(1)).wait();
  const Result all = changed->submit(fill(100)).wait();
  EXPECT_TRUE(one.done() || one.error()->code() == ErrorCode::kInvalid);
  ASSERT_EQ(all.outcome(), Outcome::kFailed) << "the second worker has the new file";
  expect_refused(*all.error());
}

// Its code is gone from under a worker that runs it.
TEST_F(ChangedPluginTest, AFileThatIsCutOffWhileItRunsIsBlamedAndNoChunk) {
  install("gristmill-test-misbehaving");
  const auto changed = engine(2);
  const GateFolder gate;
  JobSpec spec = misbehaving({{"at", std::int64_t{35}}, {"how", "wait"}, {"folder", gate.path()}});
  Job job = changed->submit(spec);
  gate.wait_for_worker_at(35);
  std::filesystem::resize_file(path(), 0);
  const Result result = job.wait();
  expect_failure(result, {path().string() + "\" changed while the job ran", "SIGBUS"});
  EXPECT_TRUE(result.summary().faults.attempts.empty());
}

}  // namespace
}  // namespace gristmill::test
