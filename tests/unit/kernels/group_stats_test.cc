#include "kernels/group_stats.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"
#include "kernels/instruction_set.h"
#include "tests/unit/kernels/param_values.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsNan;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Params = std::map<std::string, gm_param_value>;

Params groups(std::int64_t count, Params more = {}) {
  more["groups"] = int_param(count);
  return more;
}

PluginJob stats(std::vector<gm_array> inputs, Params params,
                std::vector<std::uint8_t> wanted = {}) {
  return {*gm_plugin_query(),
          {"group_stats", std::move(inputs), std::move(params), std::move(wanted)}};
}

CallError error_of(std::vector<gm_array> inputs, Params params) {
  try {
    PluginJob job = stats(std::move(inputs), std::move(params));
    job.run_all(100);
  } catch (const CallError& error) {
    return error;
  }
  ADD_FAILURE() << "it was accepted";
  return CallError(GM_OK, "", "");
}

// Value, key.
const std::vector<std::int32_t> kTable = {10, 1, 20, 3, 14, 1, 15, 1, -7, 0, 20, 3};

template <class T>
void expect_stats_of_table(const std::vector<T>& table, std::int64_t chunk_size) {
  PluginJob job = stats({array_of(kernel::dtype_of<T>(), table.data(), {6, 2})},
                        groups(4, {{"key", int_param(1)}, {"threshold", float_param(14)}}));
  job.run_all(chunk_size);
  EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(job.output<double>(1), ElementsAre(-7, 13, IsNan(), 20));
  EXPECT_THAT(job.output<double>(2), ElementsAre(0, DoubleEq(std::sqrt(14.0 / 3)), IsNan(), 0));
  EXPECT_THAT(job.output<double>(3), ElementsAre(-7, 10, IsNan(), 20));
  EXPECT_THAT(job.output<double>(4), ElementsAre(-7, 15, IsNan(), 20));
  EXPECT_THAT(job.output<double>(5), ElementsAre(0, 2.0 / 3, IsNan(), 1));
}

TEST(GroupStatsTest, DescribesEachGroup) {
  for (const std::int64_t chunk_size : {1, 2, 5, 6}) {
    expect_stats_of_table(kTable, chunk_size);
    expect_stats_of_table(std::vector<double>(kTable.begin(), kTable.end()), chunk_size);
    expect_stats_of_table(std::vector<float>(kTable.begin(), kTable.end()), chunk_size);
    expect_stats_of_table(std::vector<std::int64_t>(kTable.begin(), kTable.end()), chunk_size);
  }
}

TEST(GroupStatsTest, KeysMayBeAnInputOfTheirOwn) {
  const std::vector<double> values = {1, 5, 3, 7};
  const std::vector<std::uint8_t> keys = {1, 0, 1, 0};
  PluginJob job = stats({array_of(values, {4}), array_of(GM_UINT8, keys.data(), {4})}, groups(2));
  job.run_all(3);
  EXPECT_THAT(job.output<double>(1), ElementsAre(6, 2));
  const std::vector<std::int64_t> wide = {1, 0};
  PluginJob second = stats({array_of(values, {2, 2}), array_of(GM_INT64, wide.data(), {2})},
                           groups(2, {{"value", int_param(1)}}));
  second.run_all(1);
  EXPECT_THAT(second.output<double>(1), ElementsAre(7, 5));
}

TEST(GroupStatsTest, ThresholdsOfWholeNumbersAreExact) {
  const auto share = []<class T>(const std::vector<T>& values, double threshold) {
    const std::vector<std::uint8_t> keys(values.size());
    const auto rows = static_cast<std::int64_t>(values.size());
    PluginJob job = stats({array_of(kernel::dtype_of<T>(), values.data(), {rows}),
                           array_of(GM_UINT8, keys.data(), {rows})},
                          groups(1, {{"threshold", float_param(threshold)}}));
    job.run_all(rows);
    return job.output<double>(5)[0];
  };
  const std::vector<std::int64_t> wide = {INT64_MIN, -1, 0, INT64_MAX};
  EXPECT_EQ(share(wide, -kInf), 1);
  EXPECT_EQ(share(wide, -0.5), 0.5);
  EXPECT_EQ(share(wide, 0x1p62), 0.25);
  EXPECT_EQ(share(wide, 0x1p63), 0);
  EXPECT_EQ(share(wide, kInf), 0);
  EXPECT_EQ(share(wide, kNan), 0);
  const std::vector<std::uint64_t> whole = {0, 1, std::uint64_t{1} << 63, UINT64_MAX};
  EXPECT_EQ(share(whole, -3), 1);
  EXPECT_EQ(share(whole, 0.5), 0.75);
  EXPECT_EQ(share(whole, 0x1p63), 0.5);
  EXPECT_EQ(share(whole, 0x1p64), 0);
  EXPECT_EQ(share(std::vector<std::int8_t>{-128, 127}, 1000), 0);
  EXPECT_EQ(share(std::vector<float>{0.1F, 0.3F}, 0.1), 1);
}

TEST(GroupStatsTest, WholeNumbersBeyondFloat64KeepTheirDeviation) {
  const std::vector<std::uint64_t> values = {UINT64_MAX - 3, UINT64_MAX - 2, UINT64_MAX - 1,
                                             UINT64_MAX};
  const std::vector<std::int8_t> keys(4);
  PluginJob job =
      stats({array_of(GM_UINT64, values.data(), {4}), array_of(GM_INT8, keys.data(), {4})},
            groups(1, {{"ddof", int_param(1)}}));
  job.run_all(2);
  EXPECT_DOUBLE_EQ(job.output<double>(2)[0], std::sqrt(5.0 / 3));
  EXPECT_EQ(job.output<double>(4)[0], 0x1p64);
}

TEST(GroupStatsTest, DdofOfTheCountOrMoreHasNoDeviation) {
  for (const std::int64_t ddof : {std::int64_t{2}, INT64_MAX}) {
    PluginJob job = stats({array_of(GM_INT32, kTable.data(), {6, 2})},
                          groups(4, {{"key", int_param(1)}, {"ddof", int_param(ddof)}}));
    job.run_all(6);
    EXPECT_THAT(job.output<double>(2)[3], IsNan());
  }
}

TEST(GroupStatsTest, ANanOrAnInfinityIsItsOwnGroupsAlone) {
  const std::vector<double> values = {kNan, 1, 2, kInf, 1, kInf, -kInf, 3, kNan, kInf};
  const std::vector<std::int16_t> keys = {0, 0, 1, 2, 2, 3, 3, 4, 4, 5};
  for (const std::int64_t chunk_size : {1, 4, 10}) {
    PluginJob job =
        stats({array_of(values, {10}), array_of(GM_INT16, keys.data(), {10})}, groups(6));
    job.run_all(chunk_size);
    EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(2, 1, 2, 2, 2, 1));
    EXPECT_THAT(job.output<double>(1), ElementsAre(IsNan(), 2, kInf, IsNan(), IsNan(), kInf));
    EXPECT_THAT(job.output<double>(2), ElementsAre(IsNan(), 0, IsNan(), IsNan(), IsNan(), IsNan()));
    EXPECT_THAT(job.output<double>(3), ElementsAre(IsNan(), 2, 1, -kInf, IsNan(), kInf));
    EXPECT_THAT(job.output<double>(4), ElementsAre(IsNan(), 2, kInf, kInf, IsNan(), kInf));
    EXPECT_THAT(job.output<double>(5), ElementsAre(0.5, 1, 1, 0.5, 0.5, 1));
  }
}

TEST(GroupStatsTest, BlocksOfManyRowsAreAddedUp) {
  // More than a block, and groups whose mean is far from their first value.
  const std::int64_t rows = 200'003;
  std::vector<double> values;
  std::vector<std::int32_t> keys;
  for (std::int64_t i = 0; i < rows; ++i) {
    values.push_back(i == 0 ? 1e12 : 5.0 + static_cast<double>(i % 4));
    keys.push_back(static_cast<std::int32_t>(i % 2));
  }
  PluginJob job =
      stats({array_of(values, {rows}), array_of(GM_INT32, keys.data(), {rows})}, groups(2));
  job.run_all(rows);
  // One 6 more than 8s.
  const double excess = 1.0 / 100'001;
  EXPECT_DOUBLE_EQ(job.output<double>(1)[1], 7 - excess);
  EXPECT_DOUBLE_EQ(job.output<double>(2)[1], std::sqrt(1 - excess * excess));
  const double count = 100'002;
  EXPECT_NEAR(job.output<double>(2)[0], 1e12 * std::sqrt(count - 1) / count, 1);
}

TEST(GroupStatsTest, AKeyThatIsNoGroupIsAnErrorWithItsRow) {
  const CallError column =
      error_of({array_of(GM_INT32, kTable.data(), {6, 2})}, groups(3, {{"key", int_param(1)}}));
  EXPECT_EQ(column.status(), GM_FAILED);
  EXPECT_STREQ(column.what(), "row 1 has the key 3: keys are from 0 to 2");
  const std::vector<std::int8_t> keys = {0, 1, -2, 7, 0, 0};
  EXPECT_STREQ(
      error_of({array_of(GM_INT32, kTable.data(), {6, 2}), array_of(GM_INT8, keys.data(), {6})},
               groups(2))
          .what(),
      "row 2 has the key -2: keys are from 0 to 1");
  const std::vector<double> table = {1, 0, 2, 0.5};
  EXPECT_STREQ(error_of({array_of(table, {2, 2})}, groups(2, {{"key", int_param(1)}})).what(),
               "row 1 has the key 0.5: keys are from 0 to 1");
}

TEST(GroupStatsTest, NoRowsGiveEmptyGroups) {
  for (const gm_dtype dtype : {GM_INT32, GM_FLOAT32}) {
    PluginJob job = stats({array_of(dtype, nullptr, {0, 2})}, groups(2, {{"key", int_param(1)}}));
    job.run_all(1);
    EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(0, 0));
    EXPECT_THAT(job.output<double>(1), ElementsAre(IsNan(), IsNan()));
  }
}

TEST(GroupStatsTest, OutputsThatAreNotWantedAreLeftOut) {
  for (std::size_t k = 0; k < 6; ++k) {
    std::vector<std::uint8_t> wanted(6);
    wanted[k] = 1;
    PluginJob job = stats({array_of(GM_INT32, kTable.data(), {6, 2})},
                          groups(4, {{"key", int_param(1)}}), wanted);
    job.run_all(2);
    for (std::size_t other = 0; other < 6; ++other) {
      EXPECT_EQ(job.output_bytes(other).empty(), other != k);
    }
  }
}

TEST(GroupStatsTest, OnlyWholeNumbersMergeExactly) {
  const Params params = groups(10, {{"key", int_param(1)}});
  const PluginJob whole = stats({array_of(GM_INT32, kTable.data(), {6, 2})}, params);
  EXPECT_NE(whole.plan().flags & GM_EXACT_MERGE, 0u);
  EXPECT_EQ(whole.plan().accumulator_bytes, 10 * std::int64_t{sizeof(kernels::IntegerGroup)});
  EXPECT_STREQ(whole.plan().instruction_set, kernels::chosen_grouping().instruction_set);
  const PluginJob floats = stats({array_of(GM_FLOAT32, nullptr, {6, 2})}, params);
  EXPECT_EQ(floats.plan().flags & GM_EXACT_MERGE, 0u);
  EXPECT_EQ(floats.plan().accumulator_bytes, 10 * std::int64_t{sizeof(kernels::FloatGroup)});
}

TEST(GroupStatsTest, WhatDoesNotFitIsRefused) {
  const gm_array rows = array_of(GM_INT32, kTable.data(), {6, 2});
  const gm_array keys = array_of(GM_INT32, kTable.data(), {6});
  const CallError none = error_of({rows}, groups(4));
  EXPECT_EQ(none.status(), GM_INVALID);
  EXPECT_STREQ(none.what(), "nothing says what the keys are");
  EXPECT_THAT(none.hint(), HasSubstr("\"keys\""));
  EXPECT_STREQ(error_of({rows, keys}, groups(4, {{"key", int_param(0)}})).what(),
               "both input \"keys\" and parameter \"key\" say what the keys are");
  EXPECT_STREQ(error_of({rows, array_of(GM_INT32, kTable.data(), {12})}, groups(4)).what(),
               "input \"keys\" has 12 rows, input \"rows\" has 6");
  EXPECT_STREQ(error_of({rows, keys}, groups(0)).what(),
               "parameter \"groups\" is 0, not from 1 to 1073741824");
  EXPECT_STREQ(error_of({rows, keys}, groups(4, {{"value", int_param(2)}})).what(),
               "parameter \"value\" is 2, input \"rows\" has 2 columns");
  EXPECT_STREQ(error_of({rows}, groups(4, {{"key", int_param(-2)}})).what(),
               "parameter \"key\" is -2, input \"rows\" has 2 columns");
}

}  // namespace
}  // namespace gristmill::test
