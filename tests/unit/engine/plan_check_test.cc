#include "engine/plan_check.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

// A map of ten items with two outputs, as a worker would say it.
class PlanCheckTest : public testing::Test {
 protected:
  PlanCheckTest() {
    kernel_.name = "kernel";
    kernel_.outputs = {{"first", ""}, {"second", ""}};
    planned_.items = 10;
    planned_.outputs = {{DType::kFloat64, {10}}, {DType::kUInt8, {10, 3}}};
  }

  void check() const { require_sensible(kernel_, {}, planned_); }
  void expect_refused(const std::string& what) const {
    const Error error = test::error_of([&] { check(); });
    EXPECT_EQ(error.code(), ErrorCode::kFailed);
    EXPECT_EQ(error.message(), "kernel \"kernel\" planned " + what);
  }

  KernelInfo kernel_;
  ipc::Planned planned_;
};

TEST_F(PlanCheckTest, WhatMakesSenseIsTaken) { EXPECT_NO_THROW(check()); }

TEST_F(PlanCheckTest, NegativeNumbersAreRefused) {
  planned_.bytes_per_item = -1;
  expect_refused("a negative number of bytes per item");
  planned_.items = -1;
  expect_refused("a negative number of items");
}

TEST_F(PlanCheckTest, AnOutputIsNamedThatHasNoSensibleShape) {
  planned_.outputs[1].shape = {10, -5};
  expect_refused("output \"second\" with a negative length");
  planned_.outputs[1].shape = {11, 3};
  expect_refused("output \"second\" without a row for each item");
  planned_.outputs[1].shape = Shape(kMaxRank + 1, 10);
  expect_refused("output \"second\" with 9 axes");
  planned_.outputs[0].shape = {10, INT64_MAX};
  expect_refused("output \"first\" larger than any memory");
}

TEST_F(PlanCheckTest, OutputsAreTogetherNoLargerThanAnyMemory) {
  planned_.outputs = {{DType::kUInt8, {10, INT64_MAX / 10}}, {DType::kUInt8, {10, 1}}};
  expect_refused("outputs that are larger than any memory together");
}

TEST_F(PlanCheckTest, RowsOfAnEmitAreTogetherNoLargerThanAnyMemory) {
  kernel_.pattern = Pattern::kEmit;
  planned_.outputs = {{DType::kUInt8, {0, INT64_MAX}}, {DType::kUInt8, {0}}};
  expect_refused("outputs that are larger than any memory together");
  planned_.outputs[0].shape = {};
  expect_refused("output \"first\" without rows");
}

TEST_F(PlanCheckTest, TheLengthOfAxis0OfAnEmitIsNotRead) {
  kernel_.pattern = Pattern::kEmit;
  for (const std::int64_t length : {INT64_MAX, std::int64_t{-1}}) {
    planned_.outputs[0].shape = {length};
    EXPECT_NO_THROW(check());
  }
}

TEST_F(PlanCheckTest, AReduceHasAnAccumulatorAndOutputsOfAnyShape) {
  kernel_.pattern = Pattern::kReduce;
  planned_.outputs[0].shape = {};
  expect_refused("no accumulator");
  planned_.accumulator_bytes = 1;
  EXPECT_NO_THROW(check());
}

TEST_F(PlanCheckTest, ANumberOfOutputsThatIsNotTheKernelsIsRefused) {
  planned_.outputs.pop_back();
  expect_refused("a wrong number of outputs");
}

}  // namespace
}  // namespace gristmill::engine
