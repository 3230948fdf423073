#include "kernels/bootstrap.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/plugin_job.h"
#include "kernels/instruction_set.h"
#include "tests/unit/kernels/param_values.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using bench::PluginRequest;
using bench::text_param;

using Params = std::map<std::string, gm_param_value>;

PluginRequest bootstrap_request(const gm_array& values, Params params = {}) {
  return {"bootstrap", {values}, std::move(params)};
}

template <class T>
std::vector<T> sums_of(const gm_array& values, Params params, std::int64_t chunk_size = 7) {
  PluginJob job(*gm_plugin_query(), bootstrap_request(values, std::move(params)));
  job.run_all(chunk_size);
  EXPECT_EQ(job.plan().outputs[1].dtype, kernel::dtype_of<T>());
  const auto mean = job.output<double>(0);
  const auto sum = job.output<T>(1);
  const auto count = static_cast<double>(values.shape[0]);
  for (std::size_t i = 0; i < sum.size(); ++i) {
    EXPECT_EQ(mean[i], static_cast<double>(sum[i]) / count);
  }
  return {sum.begin(), sum.end()};
}

TEST(BootstrapTest, SplitMixGivesTheKnownSums) {
  // By the rule of the description in NumPy's uint64.
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < 5000; ++i) rows.insert(rows.end(), {-1, i * i % 1000 - 300});
  const auto sums = sums_of<std::int64_t>(array_of(GM_INT32, rows.data(), {5000, 2}),
                                          {{"samples", int_param(4)},
                                           {"column", int_param(1)},
                                           {"generator", text_param("splitmix64")}});
  EXPECT_THAT(sums, testing::ElementsAre(798660, 826444, 805777, 831142));
}

TEST(BootstrapTest, AnyChunksGiveTheSameBits) {
  std::vector<double> values(3000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
  for (const char* generator : {"philox", "splitmix64"}) {
    const Params params = {{"samples", int_param(50)}, {"generator", text_param(generator)}};
    const auto whole = sums_of<double>(array_of(values, {3000}), params, 50);
    for (const std::int64_t chunk_size : {1, 3, 49}) {
      EXPECT_EQ(sums_of<double>(array_of(values, {3000}), params, chunk_size), whole);
    }
  }
}

TEST(BootstrapTest, ASampleDependsOnTheSeedAndItsNumberAlone) {
  std::vector<std::int64_t> values(1000);
  std::iota(values.begin(), values.end(), -400);
  const gm_array array = array_of(GM_INT64, values.data(), {1000});
  for (const char* generator : {"philox", "splitmix64"}) {
    const auto few = sums_of<std::int64_t>(
        array, {{"samples", int_param(3)}, {"generator", text_param(generator)}});
    const auto many = sums_of<std::int64_t>(
        array, {{"samples", int_param(9)}, {"generator", text_param(generator)}});
    EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
    const auto other = sums_of<std::int64_t>(
        array,
        {{"samples", int_param(3)}, {"seed", int_param(-1)}, {"generator", text_param(generator)}});
    EXPECT_NE(few, other);
  }
}

TEST(BootstrapTest, MeansSpreadAsTheMeanDoes) {
  std::vector<std::uint8_t> values(400);
  std::iota(values.begin(), values.end(), std::uint8_t{0});
  double mean = 0;
  double squares = 0;
  for (const std::uint8_t value : values) mean += value / 400.0;
  for (const std::uint8_t value : values) squares += (value - mean) * (value - mean);
  for (const char* generator : {"philox", "splitmix64"}) {
    const auto sums =
        sums_of<std::int64_t>(array_of(GM_UINT8, values.data(), {400}),
                              {{"samples", int_param(2000)}, {"generator", text_param(generator)}});
    double of_sums = 0;
    double spread = 0;
    for (const std::int64_t sum : sums) of_sums += static_cast<double>(sum) / 2000;
    for (const std::int64_t sum : sums) {
      spread += (static_cast<double>(sum) - of_sums) * (static_cast<double>(sum) - of_sums) / 2000;
    }
    // The variance of a sum is 400 times that of the values. Within four standard errors.
    EXPECT_NEAR(of_sums, 400 * mean, 4 * std::sqrt(squares / 2000));
    EXPECT_NEAR(spread, squares, 4 * squares * std::sqrt(2.0 / 2000));
  }
}

TEST(BootstrapTest, OneValueIsDrawnAlways) {
  const float value = 2.5;
  EXPECT_THAT(sums_of<double>(array_of(GM_FLOAT32, &value, {1}), {{"samples", int_param(3)}}),
              testing::ElementsAre(2.5, 2.5, 2.5));
}

TEST(BootstrapTest, ANanThatIsDrawnIsAlwaysTheSameOne) {
  const std::vector<double> values(100, -std::nan("7"));
  PluginJob job(*gm_plugin_query(), bootstrap_request(array_of(values, {100})));
  job.run_all(1000);
  const double expected = std::numeric_limits<double>::quiet_NaN();
  for (const double sum : job.output<double>(1)) {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(sum), std::bit_cast<std::uint64_t>(expected));
  }
}

TEST(BootstrapTest, ThePlanSaysWhatItTakes) {
  const PluginJob job(*gm_plugin_query(), bootstrap_request(array_of(GM_INT16, nullptr, {100, 3}),
                                                            {{"samples", int_param(70)}}));
  EXPECT_EQ(job.items(), 70);
  EXPECT_EQ(job.plan().index_space, gm_index_space{GM_RANGE});
  EXPECT_EQ(job.plan().bytes_per_item, 200);
  EXPECT_GT(job.plan().nanoseconds_per_item, 10);
  EXPECT_STREQ(job.plan().instruction_set, kernels::chosen_bootstrap().instruction_set);
  EXPECT_EQ(job.plan().outputs[0].dtype, gm_dtype{GM_FLOAT64});
  EXPECT_EQ(job.plan().outputs[1].dtype, gm_dtype{GM_INT64});
}

TEST(BootstrapTest, OutputsThatAreNotWantedDoNotChangeTheOther) {
  const std::vector<double> values = {1, 2, 3, 5, 8};
  PluginJob both(*gm_plugin_query(), bootstrap_request(array_of(values, {5})));
  both.run_all(100);
  for (const std::size_t k : {0u, 1u}) {
    PluginRequest request = bootstrap_request(array_of(values, {5}));
    request.wanted = {k == 0, k == 1};
    PluginJob one(*gm_plugin_query(), request);
    one.run_all(100);
    EXPECT_TRUE(one.output_bytes(1 - k).empty());
    EXPECT_TRUE(std::ranges::equal(one.output_bytes(k), both.output_bytes(k)));
  }
}

TEST(BootstrapTest, ACancelledJobStopsEarly) {
  const std::vector<double> values = {1, 2, 3};
  PluginJob job(*gm_plugin_query(), bootstrap_request(array_of(values, {3})));
  job.cancel();
  job.run_all(1000);
  for (const std::byte byte : job.output_bytes(1)) EXPECT_EQ(byte, std::byte{0xAB});
}

class BootstrapRequestTest : public testing::Test {
 protected:
  static CallError error_of(const gm_array& values, Params params = {}) {
    try {
      PluginJob job(*gm_plugin_query(), bootstrap_request(values, std::move(params)));
      PluginJob::Worker worker(job);
    } catch (const CallError& error) {
      return error;
    }
    ADD_FAILURE() << "the request was accepted";
    return CallError(GM_OK, "", "");
  }
  const std::vector<double> values_ = std::vector<double>(12, 1.0);
};

TEST_F(BootstrapRequestTest, NothingToDrawFromIsRefused) {
  const CallError error = error_of(array_of(GM_FLOAT64, nullptr, {0}));
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "input \"values\" has no rows to draw from");
}

TEST_F(BootstrapRequestTest, MoreRowsThanThirtyTwoBitsCountAreRefused) {
  const CallError error = error_of(array_of(GM_FLOAT64, nullptr, {std::int64_t{1} << 32}));
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "input \"values\" has 4294967296 rows, more than 4294967295");
}

TEST_F(BootstrapRequestTest, AColumnThatIsNotThereIsRefused) {
  for (const std::int64_t column : {-1, 2}) {
    const CallError error = error_of(array_of(values_, {6, 2}), {{"column", int_param(column)}});
    EXPECT_EQ(error.status(), GM_INVALID);
    EXPECT_EQ(error.what(), "parameter \"column\" is " + std::to_string(column) +
                                ", input \"values\" has 2 columns");
    EXPECT_EQ(error.hint(), "Columns are counted from 0.");
  }
}

TEST_F(BootstrapRequestTest, NoSamplesAreRefused) {
  const CallError error = error_of(array_of(values_, {12}), {{"samples", int_param(0)}});
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "parameter \"samples\" is 0, not at least 1");
}

TEST_F(BootstrapRequestTest, AnUnknownGeneratorNamesTheKnownOnes) {
  const CallError error =
      error_of(array_of(values_, {12}), {{"generator", text_param("mersenne")}});
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "unknown generator \"mersenne\"");
  EXPECT_EQ(error.hint(), "Known are \"philox\", \"splitmix64\".");
}

TEST_F(BootstrapRequestTest, SumsThatCouldOverflowAreRefused) {
  const std::vector<std::int64_t> large(4, std::int64_t{1} << 61);
  const CallError error = error_of(array_of(GM_INT64, large.data(), {4}));
  EXPECT_EQ(error.status(), GM_FAILED);
  EXPECT_STREQ(error.what(),
               "sums of 4 numbers as large as 2305843009213693952 can be beyond int64");
  EXPECT_EQ(error.hint(), "Convert input \"values\" to float64.");
  EXPECT_EQ(sums_of<std::int64_t>(array_of(GM_INT64, large.data(), {3}), {})[0],
            3 * (std::int64_t{1} << 61));
}

}  // namespace
}  // namespace gristmill::test
