// What the pairwise kernels answer to plan, and what they refuse.

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "tests/unit/kernels/integer_types.h"
#include "tests/unit/kernels/pairs_reference.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using bench::PluginRequest;
using testing::HasSubstr;

class PairsRequestTest : public testing::TestWithParam<std::string> {
 protected:
  PluginRequest request(std::vector<gm_array> inputs, const char* metric = "haversine") const {
    return {GetParam(), std::move(inputs), {{"metric", bench::text_param(metric)}}};
  }
  static CallError error_of(const PluginRequest& request) {
    try {
      PluginJob job(*gm_plugin_query(), request);
    } catch (const CallError& error) {
      EXPECT_EQ(error.status(), GM_INVALID);
      return error;
    }
    ADD_FAILURE() << "the plan was accepted";
    return CallError(GM_OK, "", "");
  }
  const std::vector<double> values_ = std::vector<double>(24, 1.0);
};

TEST_P(PairsRequestTest, PlanIsOneRowPerPoint) {
  const PluginJob job(*gm_plugin_query(),
                      request({array_of(values_, {12, 2}), array_of(values_, {4, 2})}));
  const gm_plan& plan = job.plan();
  EXPECT_EQ(plan.items, 12);
  EXPECT_EQ(plan.index_space, gm_index_space{GM_ROWS});
  EXPECT_EQ(plan.input, 0U);
  EXPECT_GT(plan.nanoseconds_per_item, 0.0);
  EXPECT_LT(plan.nanoseconds_per_item, 100.0);
  EXPECT_EQ(plan.outputs[1].dtype, gm_dtype{GM_FLOAT64});
  EXPECT_EQ(plan.outputs[1].rank, 1u);
}

TEST_P(PairsRequestTest, NoItemsAreValid) {
  PluginJob job(*gm_plugin_query(), request({array_of(GM_FLOAT64, nullptr, {0, 2})}));
  EXPECT_EQ(job.items(), 0);
  job.run_all(1);
}

TEST_P(PairsRequestTest, HaversineOfWholeNumbersIsRefused) {
  const std::vector<std::int32_t> integers(4);
  const gm_array bad = array_of(GM_INT32, integers.data(), {2, 2});
  EXPECT_STREQ(error_of(request({bad})).what(),
               "input \"points\" is int32, not float64 or float32");
  EXPECT_STREQ(error_of(request({array_of(values_, {12, 2}), bad})).what(),
               "input \"targets\" is int32, not float64 or float32");
}

TEST_P(PairsRequestTest, HaversineOfOtherThanTwoColumnsNamesEuclidean) {
  const CallError error = error_of(request({array_of(values_, {8, 3})}));
  EXPECT_THAT(error.what(), HasSubstr("input \"points\" has 3"));
  EXPECT_THAT(error.hint(), HasSubstr("\"euclidean\""));
}

TEST_P(PairsRequestTest, UnknownMetricNamesTheKnownOnes) {
  const CallError error = error_of(request({array_of(values_, {12, 2})}, "manhattan"));
  EXPECT_STREQ(error.what(), "unknown metric \"manhattan\"");
  EXPECT_EQ(error.hint(), "Known are \"haversine\", \"euclidean\".");
}

TEST_P(PairsRequestTest, TargetsOfOtherWidthAreRefused) {
  const auto error =
      error_of(request({array_of(values_, {8, 3}), array_of(values_, {12, 2})}, "euclidean"));
  EXPECT_STREQ(error.what(), "input \"targets\" has 2 columns, input \"points\" has 3");
}

TEST_P(PairsRequestTest, PointsWithoutColumnsAreRefused) {
  EXPECT_STREQ(error_of(request({array_of(values_, {3, 0})}, "euclidean")).what(),
               "input \"points\" has no columns");
}

TEST_P(PairsRequestTest, CancelledJobStopsEarly) {
  const PointTable places = random_places(64);
  PluginJob job(*gm_plugin_query(), pairs_request(GetParam(), "haversine", places));
  job.cancel();
  job.run_all(64);
  for (const std::byte byte : job.output_bytes(1)) EXPECT_EQ(byte, std::byte{0xAB});
}

TEST_P(PairsRequestTest, Float32PointsGiveTheDistancesOfTheirValues) {
  std::vector<float> narrow;
  PointTable wide = random_places(40);
  for (double& value : wide.values) {
    narrow.push_back(static_cast<float>(value));
    value = narrow.back();
  }
  for (const char* metric : {"haversine", "euclidean"}) {
    PluginJob expected(*gm_plugin_query(), pairs_request(GetParam(), metric, wide));
    PluginJob actual(*gm_plugin_query(),
                     request({array_of(GM_FLOAT32, narrow.data(), {40, 2})}, metric));
    expected.run_all(40);
    actual.run_all(40);
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_TRUE(std::ranges::equal(actual.output_bytes(k), expected.output_bytes(k)));
    }
  }
}

TEST_P(PairsRequestTest, WholeNumbersGiveTheDistancesOfTheirValues) {
  for_each_integer_type([]<class T>(T) {
    std::vector<T> points;
    PointTable wide{3, {}};
    for (int i = 0; i < 40 * 3; ++i) {
      points.push_back(static_cast<T>(i * 37 % 101 * (std::numeric_limits<T>::max() / 101)));
      wide.values.push_back(static_cast<double>(points.back()));
    }
    const PointTable targets{3, {wide.values.begin(), wide.values.begin() + 7 * 3}};
    for (const auto& others : {std::optional<PointTable>(), std::optional(targets)}) {
      PluginRequest request = pairs_request(GetParam(), "euclidean", wide, others);
      PluginJob expected(*gm_plugin_query(), request);
      request.inputs[0] = array_of(kernel::dtype_of<T>(), points.data(), {40, 3});
      if (others) request.inputs[1] = array_of(kernel::dtype_of<T>(), points.data(), {7, 3});
      PluginJob actual(*gm_plugin_query(), request);
      expected.run_all(40);
      actual.run_all(17);
      for (std::size_t k = 0; k < 2; ++k) {
        EXPECT_TRUE(std::ranges::equal(actual.output_bytes(k), expected.output_bytes(k)))
            << kernel::dtype_name(kernel::dtype_of<T>());
      }
    }
  });
}

TEST_P(PairsRequestTest, OutputsThatAreNotWantedDoNotChangeTheOthers) {
  const PointTable places = random_places(50);
  PluginJob both(*gm_plugin_query(), pairs_request(GetParam(), "haversine", places));
  both.run_all(50);
  for (std::size_t k = 0; k < 2; ++k) {
    PluginRequest one = pairs_request(GetParam(), "haversine", places);
    one.wanted = {k == 0, k == 1};
    PluginJob job(*gm_plugin_query(), one);
    job.run_all(7);
    EXPECT_TRUE(job.output_bytes(1 - k).empty());
    EXPECT_TRUE(std::ranges::equal(job.output_bytes(k), both.output_bytes(k)));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, PairsRequestTest, testing::Values("mean_distance", "nearest"),
                         [](const auto& suite) { return suite.param; });

}  // namespace
}  // namespace gristmill::test
