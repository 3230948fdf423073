#include "tests/process/process_test.h"

#include <cstdlib>

namespace gristmill::test {

ProcessTest::ProcessTest() {
  // Else the sanitizers turn signals of the workers into exit codes.
  const char* options = std::getenv("ASAN_OPTIONS");
  const std::string more = "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_abort=0";
  if (options == nullptr || std::string(options).find(more) == std::string::npos) {
    const std::string before = options == nullptr ? "" : std::string(options) + ":";
    setenv("ASAN_OPTIONS", (before + more).c_str(), 1);
  }
}

EngineOptions ProcessTest::options_of(int workers) {
  EngineOptions options{.workers = workers};
  for (const char* name :
       {"gristmill-test-kernels", "gristmill-test-misbehaving", "gristmill-test-observing",
        "gristmill-test-corrupting", "gristmill-test-reducing"}) {
    options.plugins.push_back(test_plugin(name));
  }
  return options;
}

std::unique_ptr<Engine> ProcessTest::engine_of(int workers, std::filesystem::path program) {
  EngineOptions options = options_of(workers);
  options.worker_program = std::move(program);
  return std::make_unique<Engine>(std::move(options));
}

JobSpec ProcessTest::misbehaving(std::map<std::string, ParamValue> params) {
  params.emplace("items", std::int64_t{100});
  return {.kernel = "misbehave", .params = std::move(params), .chunk_size = ChunkSize::items(10)};
}

JobSpec ProcessTest::misbehaving_at(std::int64_t item, const std::string& how) {
  return misbehaving({{"at", item}, {"how", how}});
}

void ProcessTest::expect_failure(const Result& result, const std::vector<std::string>& parts) {
  EXPECT_EQ(result.outcome(), Outcome::kFailed);
  ASSERT_TRUE(result.error());
  const std::string text =
      result.error()->message() + " / " + result.error()->detail() + " / " + result.error()->hint();
  for (const std::string& part : parts) EXPECT_THAT(text, testing::HasSubstr(part));
  EXPECT_THROW(result.array(), Error);
}

void ProcessTest::expect_no_more_descriptors(int few, int more, const std::function<void()>& run) {
  const auto descriptors = [] {
    std::vector<std::size_t> counts = {entries_of("/proc/self/fd").size()};
    for (const pid_t worker : child_processes()) {
      counts.push_back(entries_of("/proc/" + std::to_string(worker) + "/fd").size());
    }
    return counts;
  };
  // A segment or two may be on the way back to the pool.
  constexpr std::size_t kOnTheWay = 4;
  for (int i = 0; i < few; ++i) run();
  const std::vector<std::size_t> before = descriptors();
  for (int i = 0; i < more; ++i) run();
  const std::vector<std::size_t> after = descriptors();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_LE(after[i], before[i] + kOnTheWay);
}

void ProcessTest::expect_good_engine(Engine& engine) {
  const RowHashJob rows(2000, 2, 77);
  const Result result = engine.submit(rows.spec(ChunkSize::items(7))).wait();
  rows.check(result);
  EXPECT_EQ(result.summary().plan.workers, engine.workers());
  EXPECT_EQ(child_processes().size(), static_cast<std::size_t>(engine.workers()) + 1)
      << "the workers and the planner";
}

}  // namespace gristmill::test
