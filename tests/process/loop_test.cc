#include <numeric>

#include "tests/process/process_test.h"
#include "tests/support/error_of.h"

namespace gristmill::test {
namespace {

class LoopTest : public ProcessTest {
 protected:
  // The function on 0 to 99, of which item 35 is negative, in chunks of ten.
  static JobSpec calling(const std::string& symbol) {
    std::vector<std::int64_t> values(100);
    std::iota(values.begin(), values.end(), 0);
    values[35] = -35;
    return {.kernel = "loop",
            .inputs = {{"a",
                        Dataset::copy_of(ArrayView(std::span<const std::int64_t>(values), {100}))}},
            .params = {{"library", test_plugin("gristmill-test-loops").string()},
                       {"symbol", symbol},
                       {"dtype", std::string("int64")}},
            .chunk_size = ChunkSize::items(10)};
  }
};

TEST_F(LoopTest, AnAnswerThatIsNotZeroFailsTheJobAndNamesFunctionAndRows) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(calling("refuse_negative")).wait();
  expect_failure(result, {"\"refuse_negative\"", "returned -35", "chunk 3, rows 30 to 39"});
  expect_good_engine(*engine);
}

TEST_F(LoopTest, AFaultIsBlamedOnItsChunkLikeAnyKernels) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(calling("crash_at_negative")).wait();
  expect_failure(result, {"kernel \"loop\"", "was killed by SIGSEGV", "chunk 3, rows 30 to 39"});
  EXPECT_EQ(result.summary().faults.attempts.size(), 3U);
  expect_good_engine(*engine);
}

TEST_F(LoopTest, ABisectedFaultLeavesAllOtherRows) {
  const auto engine = engine_of(2);
  JobSpec spec = calling("crash_at_negative");
  spec.faults = {.retries = 0, .on_error = OnError::kSkip, .bisect = true};
  const Result result = engine->submit(spec).wait();
  const auto values = result.array().as<std::int64_t>();
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(values[i], i == 35 ? 0 : static_cast<std::int64_t>(i));
  }
  expect_good_engine(*engine);
}

TEST_F(LoopTest, WhatTheLibraryDoesNotExportIsRefusedBeforeAnythingIsStarted) {
  const auto engine = engine_of(2);
  const Error error = error_of([&] { engine->submit(calling("no_such_function")); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("does not export \"no_such_function\""));
}

}  // namespace
}  // namespace gristmill::test
