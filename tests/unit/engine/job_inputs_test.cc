#include "engine/job_inputs.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

Dataset zeros(DType dtype, Shape shape) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(*size_bytes(dtype, shape)));
  return Dataset::copy_of(ArrayView(bytes.data(), dtype, std::move(shape)));
}

// points: required, float32 or float64 of 1 or 2 axes; weights: optional, of at least one axis.
class JobInputsTest : public testing::Test {
 protected:
  JobInputsTest() {
    kernel_.name = "kernel";
    kernel_.inputs = {{"points", "N or N x d", false, {DType::kFloat32, DType::kFloat64}, 1, 2},
                      {"weights", "N", true, {}, 1, 0}};
  }
  Error refusal(const std::vector<Input>& given) const {
    Error error = test::error_of([&] { match_inputs(kernel_, given); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    return error;
  }

  KernelInfo kernel_;
  const Dataset points_ = zeros(DType::kFloat64, {4, 2});
};

TEST_F(JobInputsTest, AreInTheOrderOfTheDeclarations) {
  const auto both =
      match_inputs(kernel_, {{"weights", zeros(DType::kInt8, {3})}, {"points", points_}});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0]->shape(), (Shape{4, 2}));
  EXPECT_EQ(both[1]->dtype(), DType::kInt8);
  EXPECT_FALSE(match_inputs(kernel_, {{"points", points_}})[1]);
  EXPECT_TRUE(match_inputs(kernel_, {{"", points_}})[0]) << "the only required one";
}

TEST_F(JobInputsTest, AnotherDtypeIsRefusedAndAllThatWouldDoAreNamed) {
  const Error error = refusal({{"points", zeros(DType::kInt32, {4})}});
  EXPECT_EQ(error.message(), "input \"points\" is int32, not float32 or float64");
  EXPECT_EQ(error.hint(), "Convert it, or choose another file. points: N or N x d.");
  EXPECT_NO_THROW(match_inputs(kernel_, {{"points", zeros(DType::kFloat32, {4})}}));
}

TEST_F(JobInputsTest, AnotherNumberOfAxesIsRefused) {
  EXPECT_EQ(refusal({{"points", zeros(DType::kFloat64, {2, 2, 2})}}).message(),
            "input \"points\" has 3 axes, not 1 to 2");
  EXPECT_EQ(refusal({{"points", zeros(DType::kFloat64, {})}}).message(),
            "input \"points\" has 0 axes, not 1 to 2");
  EXPECT_EQ(refusal({{"points", points_}, {"weights", zeros(DType::kBool, {})}}).message(),
            "input \"weights\" has 0 axes, not at least 1");
  kernel_.inputs[0].min_rank = 2;
  EXPECT_EQ(refusal({{"points", zeros(DType::kFloat64, {2})}}).message(),
            "input \"points\" has 1 axis, not 2");
}

TEST_F(JobInputsTest, WithoutLimitsAnyAxesAndDtypesWillDo) {
  kernel_.inputs[1].min_rank = 0;
  for (const std::size_t rank : {0, 1, 8}) {
    EXPECT_NO_THROW(match_inputs(
        kernel_, {{"points", points_}, {"weights", zeros(DType::kComplex64, Shape(rank, 1))}}));
  }
}

TEST_F(JobInputsTest, MissingRepeatedAndUnknownOnesAreRefused) {
  EXPECT_EQ(refusal({}).message(), "kernel \"kernel\" needs input \"points\"");
  EXPECT_EQ(refusal({}).hint(), "points: N or N x d.");
  EXPECT_EQ(refusal({{"points", points_}, {"", points_}}).message(),
            "input \"points\" is given twice");
  const Error unknown = refusal({{"point", points_}});
  const std::string text = unknown.message() + unknown.hint();
  EXPECT_NE(text.find("\"point\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"points\""), std::string::npos) << text;
}

TEST_F(JobInputsTest, ANamelessOneMustBeTheOnlyOne) {
  kernel_.inputs[1].optional = false;
  const Error several = refusal({{"", points_}});
  EXPECT_EQ(several.message(), "kernel \"kernel\" has several inputs: name each one");
  EXPECT_EQ(several.hint(), "They are called points, weights.");
  kernel_.inputs.clear();
  EXPECT_EQ(refusal({{"", points_}}).message(), "kernel \"kernel\" takes no input");
}

}  // namespace
}  // namespace gristmill::engine
