#include "tests/process/process_test.h"
#include "tests/support/error_of.h"

namespace gristmill::test {
namespace {

using SlowPlanTest = ProcessTest;

TEST_F(SlowPlanTest, AKernelThatHangsWhileItPlansIsGivenUpOn) {
  const auto engine = engine_of(2);
  const Error error = error_of([&] { engine->submit(misbehaving({{"plan", "hang"}})); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), testing::HasSubstr("did not answer within"));
  expect_good_engine(*engine);
}

}  // namespace
}  // namespace gristmill::test
