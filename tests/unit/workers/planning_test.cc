#include "workers/planning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "tests/support/error_of.h"

namespace gristmill::workers {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

using Answer = std::function<void(gm_plan&)>;

// What the kernel's plan does; the ABI has no place for a test's own data.
Answer answer;

gm_status plan_by_answer(const gm_host*, const gm_request*, gm_plan* plan) {
  answer(*plan);
  return GM_OK;
}

void say_output(gm_plan& plan, const Shape& shape, gm_dtype dtype = GM_FLOAT32) {
  plan.outputs[0].dtype = dtype;
  plan.outputs[0].rank = static_cast<std::uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), plan.outputs[0].shape);
}

Answer tiles(gm_index_space space, std::int64_t rows, std::int64_t columns,
             std::int64_t tile_rows = 0, std::int64_t tile_columns = 0) {
  return [=](gm_plan& plan) {
    plan.index_space = space;
    plan.rows = rows;
    plan.columns = columns;
    plan.tile_rows = tile_rows;
    plan.tile_columns = tile_columns;
    say_output(plan, {rows, space == GM_TRIANGLE ? rows : columns});
  };
}

// A kernel of two inputs, 100 x 3 float64 and one that is not given, and of one output.
class PlanningTest : public testing::Test {
 protected:
  PlanningTest() {
    kernel_.struct_size = sizeof(gm_kernel);
    kernel_.name = "kernel";
    kernel_.input_count = 2;
    kernel_.output_count = 1;
    kernel_.outputs = &output_;
    kernel_.flags = GM_ITEM_INDEPENDENT;
    kernel_.plan = &plan_by_answer;
    request_.inputs = {ipc::ArraySpec{DType::kFloat64, {100, 3}}, std::nullopt};
    request_.outputs_wanted = {true};
  }
  ~PlanningTest() override { answer = nullptr; }

  ipc::Planned planned(Answer how) {
    answer = std::move(how);
    return plan_kernel(kernel_, request_);
  }
  void expect_refused(Answer how, const std::string& what) {
    const Error error = test::error_of([&] { planned(std::move(how)); });
    EXPECT_EQ(error.code(), ErrorCode::kFailed);
    EXPECT_EQ(error.message(), "kernel \"kernel\" planned " + what);
  }

  const gm_output_decl output_{"out", ""};
  gm_kernel kernel_{};
  ipc::KernelRequest request_;
};

TEST_F(PlanningTest, ThePlanBeginsWithTheFlagsOfTheKernelAndMayChangeThem) {
  const ipc::Planned changed = planned([](gm_plan& plan) {
    EXPECT_EQ(plan.struct_size, sizeof(gm_plan));
    EXPECT_EQ(plan.flags, std::uint32_t{GM_ITEM_INDEPENDENT});
    plan.flags |= GM_OVERWRITES_OUTPUT;
    say_output(plan, {100});
  });
  EXPECT_EQ(changed.flags, std::uint32_t{GM_ITEM_INDEPENDENT | GM_OVERWRITES_OUTPUT});
}

TEST_F(PlanningTest, RowsAreThoseOfTheInputAndAScalarHasOne) {
  const auto rows = [](gm_plan& plan) {
    plan.items = 7;  // not asked
    say_output(plan, {100, 5});
  };
  const ipc::Planned many = planned(rows);
  EXPECT_EQ(many.space.kind, ipc::SpaceKind::kRows);
  EXPECT_EQ(many.items, 100);
  EXPECT_EQ(many.bytes_per_item, 3 * 8 + 5 * 4) << "a row of the input and one of the output";
  request_.inputs[0]->shape = {};
  EXPECT_EQ(planned(rows).items, 1);
}

TEST_F(PlanningTest, ARangeHasNoInputToRead) {
  const ipc::Planned range = planned([](gm_plan& plan) {
    plan.index_space = GM_RANGE;
    plan.items = 12;
    say_output(plan, {12, 2});
  });
  EXPECT_EQ(range.items, 12);
  EXPECT_EQ(range.bytes_per_item, 8);
}

TEST_F(PlanningTest, TilesAreCountedAndHave256RowsAndColumnsUnlessSaid) {
  const ipc::Planned said = planned(tiles(GM_TILES, 10, 7, 3, 2));
  EXPECT_EQ(said.items, 4 * 4);
  EXPECT_EQ(said.bytes_per_item, 3 * 2 * 4) << "a block of the output";
  const ipc::Planned unsaid = planned(tiles(GM_TILES, 1000, 300));
  EXPECT_EQ(unsaid.space.tile_rows, 256);
  EXPECT_EQ(unsaid.space.tile_columns, 256);
  EXPECT_EQ(unsaid.items, 4 * 2);
}

TEST_F(PlanningTest, ATriangleIsSquareWithoutSayingIt) {
  const ipc::Planned triangle = planned(tiles(GM_TRIANGLE, 10, 0, 3));
  EXPECT_EQ(triangle.space.columns, 10);
  EXPECT_EQ(triangle.space.tile_columns, 3);
  EXPECT_EQ(triangle.items, 4 + 3 + 2 + 1);
  EXPECT_EQ(planned(tiles(GM_TRIANGLE, 10, 10, 3, 3)).items, 10);
  EXPECT_EQ(planned(tiles(GM_TRIANGLE, 257, 0)).space.tile_columns, 256);
}

TEST_F(PlanningTest, AReduceReadsItsInputAndAnEmitWritesRows) {
  kernel_.pattern = GM_REDUCE;
  EXPECT_EQ(planned([](gm_plan& plan) { say_output(plan, {1000}); }).bytes_per_item, 24);
  kernel_.pattern = GM_EMIT;
  EXPECT_EQ(planned([](gm_plan& plan) { say_output(plan, {0, 6}); }).bytes_per_item, 24 + 24);
  EXPECT_EQ(planned(tiles(GM_TILES, 10, 7)).bytes_per_item, 7 * 4) << "a row, not a block";
}

TEST_F(PlanningTest, WhatTheKernelSaysOfItsBytesIsTaken) {
  const ipc::Planned said = planned([](gm_plan& plan) {
    plan.bytes_per_item = 123;
    say_output(plan, {100});
  });
  EXPECT_EQ(said.bytes_per_item, 123);
}

TEST_F(PlanningTest, BytesBeyondAnyNumberAreTheLargestNumber) {
  const auto shaped = [](const Shape& shape) {
    return [shape](gm_plan& plan) { say_output(plan, shape); };
  };
  EXPECT_EQ(planned(shaped({100, kMost, 2})).bytes_per_item, kMost);
  EXPECT_EQ(planned(shaped({100, kMost / 4})).bytes_per_item, kMost) << "the sum";
  EXPECT_EQ(planned(tiles(GM_TILES, 10, 10, kMost, kMost)).bytes_per_item, kMost);
}

TEST_F(PlanningTest, AnswersThatMakeNoSenseAreRefused) {
  expect_refused([](gm_plan& plan) { plan.index_space = 4; }, "an index space that is none");
  for (const std::uint32_t input : {1U, 2U, UINT32_MAX}) {
    expect_refused([=](gm_plan& plan) { plan.input = input; },
                   "the rows of an input that is not there");
  }
  for (const Answer& wrong :
       {tiles(GM_TILES, -1, 5), tiles(GM_TILES, 5, -1), tiles(GM_TILES, 5, 5, -1),
        tiles(GM_TRIANGLE, 5, 6), tiles(GM_TRIANGLE, 5, 5, 2, 3), tiles(GM_TILES, kMost, kMost)}) {
    expect_refused(wrong, "tiles that there cannot be");
  }
  for (const gm_dtype dtype : {gm_dtype{0}, gm_dtype{GM_COMPLEX128 + 1}}) {
    expect_refused([=](gm_plan& plan) { say_output(plan, {100}, dtype); },
                   "output \"out\" of no known dtype or rank");
  }
  expect_refused(
      [](gm_plan& plan) {
        say_output(plan, {100, -5});
      },
      "output \"out\" with a negative length");
  expect_refused(
      [](gm_plan& plan) {
        say_output(plan, {100});
        plan.outputs[0].rank = GM_MAX_RANK + 1;
      },
      "output \"out\" of no known dtype or rank");
}

}  // namespace
}  // namespace gristmill::workers
