// What describe answers to plan, and what it refuses.

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "kernels/instruction_set.h"
#include "tests/unit/kernels/describe_reference.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using bench::PluginRequest;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(DescribeRequestTest, ThePlanSaysWhatItTakes) {
  const PluginJob job(*gm_plugin_query(), describe_request(array_of(GM_INT16, nullptr, {100, 3})));
  EXPECT_EQ(job.items(), 100);
  EXPECT_EQ(job.plan().index_space, gm_index_space{GM_ROWS});
  EXPECT_GT(job.plan().nanoseconds_per_item, 0);
  EXPECT_STREQ(job.plan().instruction_set, kernels::chosen_column_moments().instruction_set);
  EXPECT_EQ(job.plan().accumulator_bytes, 3 * std::int64_t{sizeof(kernels::ColumnMoments)});
}

TEST(DescribeRequestTest, OutputsHaveTheShapeOfARow) {
  const std::vector<double> rows = random_numbers(120);
  const auto shape_of = [&](const std::vector<std::int64_t>& shape) {
    const PluginJob job(*gm_plugin_query(), describe_request(array_of(rows, shape)));
    const gm_array& mean = job.plan().outputs[1];
    std::vector<std::int64_t> columns(mean.shape, mean.shape + mean.rank);
    for (std::size_t k = 0; k < 5; ++k) {
      const gm_array& output = job.plan().outputs[k];
      EXPECT_EQ(output.dtype, k == 0 ? gm_dtype{GM_INT64} : gm_dtype{GM_FLOAT64});
      EXPECT_TRUE(
          std::equal(columns.begin(), columns.end(), output.shape, output.shape + output.rank));
    }
    return columns;
  };
  EXPECT_THAT(shape_of({120}), ElementsAre());
  EXPECT_THAT(shape_of({30, 4}), ElementsAre(4));
  EXPECT_THAT(shape_of({10, 3, 4}), ElementsAre(3, 4));
  EXPECT_THAT(shape_of({2, 1, 3, 1, 4, 1, 5, 1}), ElementsAre(1, 3, 1, 4, 1, 5, 1));
}

TEST(DescribeRequestTest, OutputsThatAreNotWantedDoNotChangeTheOthers) {
  const std::vector<double> rows = random_numbers(300);
  PluginJob all(*gm_plugin_query(), describe_request(array_of(rows, {100, 3})));
  all.run_all(30);
  for (std::size_t k = 0; k < 5; ++k) {
    PluginRequest request = describe_request(array_of(rows, {100, 3}));
    request.wanted = {k == 0, k == 1, k == 2, k == 3, k == 4};
    PluginJob one(*gm_plugin_query(), request);
    one.run_all(30);
    for (std::size_t other = 0; other < 5; ++other) {
      EXPECT_EQ(one.output_bytes(other).empty(), other != k);
    }
    EXPECT_TRUE(std::ranges::equal(one.output_bytes(k), all.output_bytes(k)));
  }
}

TEST(DescribeRequestTest, OtherDtypesAreRefused) {
  for (const gm_dtype dtype : {GM_BOOL, GM_FLOAT16, GM_COMPLEX64, GM_COMPLEX128}) {
    try {
      const PluginJob job(*gm_plugin_query(), describe_request(array_of(dtype, nullptr, {3})));
      ADD_FAILURE() << kernel::dtype_name(dtype);
    } catch (const CallError& error) {
      EXPECT_EQ(error.status(), GM_INVALID);
      EXPECT_THAT(error.what(), HasSubstr(kernel::dtype_name(dtype)));
      EXPECT_THAT(error.what(), HasSubstr("uint64 or float32 or float64"));
    }
  }
}

TEST(DescribeRequestTest, ASingleElementIsRefused) {
  try {
    const PluginJob job(*gm_plugin_query(), describe_request(array_of(GM_FLOAT64, nullptr, {})));
    FAIL() << "the plan was accepted";
  } catch (const CallError& error) {
    EXPECT_EQ(error.status(), GM_INVALID);
    EXPECT_STREQ(error.what(), "input \"rows\" has no rows: it is a single element");
  }
}

}  // namespace
}  // namespace gristmill::test
