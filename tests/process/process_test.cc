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

std::unique_ptr<Engine> ProcessTest::engine_of(int workers, std::filesystem::path program) {
  EngineOptions options{.workers = workers, .worker_program = std::move(program)};
  for (const char* name :
       {"gristmill-test-kernels", "gristmill-test-misbehaving", "gristmill-test-observing",
        "gristmill-test-corrupting", "gristmill-test-reducing"}) {
    options.plugins.push_back(test_plugin(name));
  }
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

void ProcessTest::expect_good_engine(Engine& engine) {
  const RowHashJob rows(2000, 2, 77);
  const Result result = engine.submit(rows.spec(ChunkSize::items(7))).wait();
  rows.check(result);
  EXPECT_EQ(result.summary().plan.workers, engine.workers());
  EXPECT_EQ(child_processes().size(), static_cast<std::size_t>(engine.workers()) + 1)
      << "the workers and the planner";
}

EnvironmentVariable::EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
  setenv(name, value.c_str(), 1);
}

EnvironmentVariable::~EnvironmentVariable() { unsetenv(name_.c_str()); }

}  // namespace gristmill::test
