#include "kernels/histogram.h"

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
using testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Params = std::map<std::string, gm_param_value>;

PluginJob histogram(std::vector<gm_array> inputs, Params params = {},
                    std::vector<std::uint8_t> wanted = {}) {
  return {*gm_plugin_query(),
          {"histogram", std::move(inputs), std::move(params), std::move(wanted)}};
}

Params bins(std::int64_t count, double low, double high) {
  return {{"bins", int_param(count)}, {"low", float_param(low)}, {"high", float_param(high)}};
}

CallError error_of(std::vector<gm_array> inputs, Params params) {
  try {
    histogram(std::move(inputs), std::move(params));
  } catch (const CallError& error) {
    EXPECT_EQ(error.status(), GM_INVALID);
    return error;
  }
  ADD_FAILURE() << "the plan was accepted";
  return CallError(GM_OK, "", "");
}

const std::vector<double> kValues = {0, 0.5, 1, 1.5, 2, 3, 3.9, 4, 4.1, -0.1, kNan, 2.5};

TEST(HistogramTest, CountsValuesBetweenEdges) {
  for (const std::int64_t chunk_size : {1, 5, 12}) {
    PluginJob job = histogram({array_of(kValues, {12})}, bins(4, 0, 4));
    job.run_all(chunk_size);
    EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(2, 2, 2, 3));
    EXPECT_THAT(job.output<double>(1), ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(job.output<std::int64_t>(2), ElementsAre(3));
  }
}

TEST(HistogramTest, HasTenBinsFromZeroToOneByDefault) {
  // numpy.histogram(values, 10, (0, 1)): 0.3, 0.6 and 0.7 lie below the edges that print like them.
  const std::vector<double> values = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
  PluginJob job = histogram({array_of(values, {11})});
  job.run_all(4);
  EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(1, 1, 2, 0, 1, 2, 1, 0, 1, 2));
}

TEST(HistogramTest, CountsAllElementsOfRowsOrOneColumn) {
  const std::vector<std::uint8_t> values = {0, 1, 2, 3, 0, 9, 1, 1, 1, 0, 0, 3};
  const gm_array table = array_of(GM_UINT8, values.data(), {2, 2, 3});
  const auto counts = [&](std::int64_t column) {
    Params params = bins(4, 0, 4);
    params["column"] = int_param(column);
    PluginJob job = histogram({table}, params);
    job.run_all(1);
    const auto found = job.output<std::int64_t>(0);
    return std::vector<std::int64_t>(found.begin(), found.end());
  };
  EXPECT_THAT(counts(-1), ElementsAre(4, 4, 1, 2));
  EXPECT_THAT(counts(0), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(counts(5), ElementsAre(0, 0, 0, 1));
}

TEST(HistogramTest, WeightsOfRowsAreSummed) {
  const std::vector<double> values = {0.5, 1.5, 1.5, 9, 0.5, 0.5};
  const std::vector<float> weights = {1, 10, 0.25F};
  PluginJob all = histogram({array_of(values, {3, 2}), array_of(GM_FLOAT32, weights.data(), {3})},
                            bins(2, 0, 2));
  all.run_all(2);
  EXPECT_THAT(all.output<double>(0), ElementsAre(1.5, 11));
  EXPECT_THAT(all.output<std::int64_t>(2), ElementsAre(1)) << "values, not weights";
  Params column = bins(2, 0, 2);
  column["column"] = int_param(1);
  const std::vector<double> wide(weights.begin(), weights.end());
  PluginJob one = histogram({array_of(values, {3, 2}), array_of(wide, {3})}, column);
  one.run_all(2);
  EXPECT_THAT(one.output<double>(0), ElementsAre(0.25, 1));
}

TEST(HistogramTest, ManyBinsAreCountedInOneGo) {
  constexpr std::int64_t kBins = 1 << 22;
  std::vector<float> values;
  for (int i = 0; i < 4096; ++i) values.push_back(static_cast<float>(i) * 0x1p-12F);
  PluginJob job = histogram({array_of(GM_FLOAT32, values.data(), {4096})}, bins(kBins, 0, 1));
  job.run_all(1000);
  const auto counts = job.output<std::int64_t>(0);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < 4096; ++i) right += counts[i << 10];
  EXPECT_EQ(right, 4096);
}

TEST(HistogramTest, NoValuesGiveZeros) {
  PluginJob none = histogram({array_of(GM_INT32, nullptr, {0})}, bins(3, 0, 1));
  none.run_all(1);
  EXPECT_THAT(none.output<std::int64_t>(0), ElementsAre(0, 0, 0));
  PluginJob narrow = histogram({array_of(GM_INT32, nullptr, {7, 0})}, bins(3, 0, 1));
  narrow.run_all(3);
  EXPECT_THAT(narrow.output<std::int64_t>(0), ElementsAre(0, 0, 0));
  EXPECT_THAT(narrow.output<std::int64_t>(2), ElementsAre(0));
}

TEST(HistogramTest, OutputsThatAreNotWantedAreLeftOut) {
  for (std::size_t k = 0; k < 3; ++k) {
    PluginJob job = histogram({array_of(kValues, {12})}, bins(4, 0, 4), {k == 0, k == 1, k == 2});
    job.run_all(5);
    for (std::size_t other = 0; other < 3; ++other) {
      EXPECT_EQ(job.output_bytes(other).empty(), other != k);
    }
  }
}

TEST(HistogramTest, CountsMergeExactlyAndSumsInAFixedOrder) {
  const gm_array values = array_of(kValues, {12});
  const PluginJob counts = histogram({values}, bins(1000, 0, 4));
  EXPECT_NE(counts.plan().flags & GM_EXACT_MERGE, 0u);
  EXPECT_EQ(counts.plan().outputs[0].dtype, gm_dtype{GM_INT64});
  EXPECT_EQ(counts.plan().outputs[1].shape[0], 1001);
  EXPECT_EQ(counts.plan().outputs[2].rank, 0u);
  EXPECT_LT(counts.plan().accumulator_bytes, 8 * 1100);
  EXPECT_STREQ(counts.plan().instruction_set, kernels::chosen_binning().instruction_set);
  const PluginJob sums = histogram({values, values}, bins(1000, 0, 4));
  EXPECT_EQ(sums.plan().flags & GM_EXACT_MERGE, 0u);
  EXPECT_EQ(sums.plan().outputs[0].dtype, gm_dtype{GM_FLOAT64});
}

TEST(HistogramTest, WhatDoesNotFitIsRefused) {
  const gm_array values = array_of(kValues, {4, 3});
  EXPECT_STREQ(error_of({values}, bins(0, 0, 1)).what(),
               "parameter \"bins\" is 0, not from 1 to 1073741824");
  EXPECT_STREQ(error_of({values, array_of(kValues, {12})}, bins(1, 0, 1)).what(),
               "input \"weights\" has 12 rows, input \"values\" has 4");
  for (const std::int64_t column : {3, -2}) {
    Params params = bins(1, 0, 1);
    params["column"] = int_param(column);
    const CallError error = error_of({values}, params);
    EXPECT_EQ(error.what(), "parameter \"column\" is " + std::to_string(column) +
                                ", input \"values\" has 3 columns");
    EXPECT_THAT(error.hint(), testing::HasSubstr("-1"));
  }
}

}  // namespace
}  // namespace gristmill::test
