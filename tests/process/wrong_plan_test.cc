#include "tests/process/process_test.h"
#include "tests/support/error_of.h"

namespace gristmill::test {
namespace {

class WrongPlanTest : public ProcessTest, public testing::WithParamInterface<const char*> {
 protected:
  static JobSpec spec(const std::string& how) {
    return {.kernel = "wrong_plan", .params = {{"how", how}}};
  }

  Engine engine_{{.workers = 2, .plugins = {test_plugin("gristmill-test-wrong-plans")}}};
};

TEST_P(WrongPlanTest, IsRefusedAndNamesTheKernel) {
  const Error error = error_of([&] { engine_.submit(spec(GetParam())); });
  EXPECT_EQ(error.code(), ErrorCode::kFailed);
  EXPECT_THAT(error.message(), testing::HasSubstr("kernel \"wrong_plan\""));
  EXPECT_TRUE(engine_.submit(spec("nothing")).wait().done()) << "the next job";
}

INSTANTIATE_TEST_SUITE_P(Wrongs, WrongPlanTest,
                         testing::Values("negative_items", "negative_bytes", "unknown_dtype",
                                         "no_output", "rank_zero", "rank_nine", "other_rows",
                                         "overflow", "negative_row", "failed_in_silence",
                                         "unknown_space", "rows_of_nothing", "no_tiles",
                                         "slanted_triangle", "too_many_tiles"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(WrongPlanTest, OddButUsableAnswersAreUsed) {
  for (const char* how : {"nothing", "nan_cost", "infinite_cost", "null_texts"}) {
    const Result result = engine_.submit(spec(how)).wait();
    ASSERT_TRUE(result.done()) << how;
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(result.array().as<std::int64_t>()[i], static_cast<std::int64_t>(i));
    }
  }
}

}  // namespace
}  // namespace gristmill::test
