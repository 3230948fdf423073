// The kernel against a plain loop over each neighbourhood.

#include "kernels/window.h"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/philox.hpp>

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

using Numbers = std::vector<double>;
using Shape = std::vector<std::int64_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kOutputs = 5;  // mean, std, median, min, max

struct Case {
  Shape shape;
  Numbers sizes;
  std::string edges;
};

Numbers random_grid(const Shape& shape, double offset = 0) {
  std::size_t count = 1;
  for (const std::int64_t length : shape) count *= static_cast<std::size_t>(length);
  kernel::Philox random(count, 1);
  Numbers grid(count);
  for (double& number : grid) number = offset + random.normal();
  return grid;
}

PluginRequest window_request(const gm_array& grid, const Case& of) {
  return {
      "window", {grid}, {{"size", list_param(of.sizes)}, {"edges", text_param(of.edges.c_str())}}};
}

std::array<Numbers, kOutputs> windowed(const gm_array& grid, const Case& of,
                                       std::int64_t chunk_size = 1000) {
  PluginJob job(*gm_plugin_query(), window_request(grid, of));
  job.run_all(chunk_size);
  std::array<Numbers, kOutputs> outputs;
  for (std::size_t k = 0; k < kOutputs; ++k) {
    const auto output = job.output<double>(k);
    outputs[k].assign(output.begin(), output.end());
  }
  return outputs;
}

// All indices below these counts, in order.
std::vector<Shape> indices_below(const Shape& counts) {
  std::vector<Shape> all = {{}};
  for (const std::int64_t count : counts) {
    std::vector<Shape> longer;
    for (const Shape& index : all) {
      for (std::int64_t i = 0; i < count; ++i) {
        longer.push_back(index);
        longer.back().push_back(i);
      }
    }
    all = longer;
  }
  return all;
}

std::array<double, kOutputs> statistics_of(Numbers seen) {
  if (std::any_of(seen.begin(), seen.end(), [](double x) { return std::isnan(x); })) {
    return {kNan, kNan, kNan, kNan, kNan};
  }
  std::sort(seen.begin(), seen.end());
  const auto count = static_cast<long double>(seen.size());
  long double sum = 0;
  for (const double number : seen) sum += number;
  long double squares = 0;
  for (const double number : seen) squares += (number - sum / count) * (number - sum / count);
  return {static_cast<double>(sum / count), static_cast<double>(std::sqrt(squares / count)),
          seen[seen.size() / 2], seen.front(), seen.back()};
}

std::array<Numbers, kOutputs> expected(const Numbers& grid, const Case& of) {
  const gm_array array = array_of(grid, of.shape);
  const kernels::Neighbourhood neighbourhood(kernel::Input("grid", array), of.sizes, of.edges);
  Shape sizes;
  for (const kernels::WindowAxis& axis : neighbourhood.axes()) sizes.push_back(axis.size);
  std::array<Numbers, kOutputs> outputs;
  for (const Shape& element : indices_below(neighbourhood.output_shape())) {
    Numbers seen;
    for (const Shape& place : indices_below(sizes)) {
      std::int64_t at = 0;
      for (std::size_t k = 0; k < sizes.size(); ++k) {
        const kernels::WindowAxis& axis = neighbourhood.axes()[k];
        at = at * axis.length + axis.element_at(element[k] + place[k]);
      }
      seen.push_back(grid[static_cast<std::size_t>(at)]);
    }
    const auto statistics = statistics_of(seen);
    for (std::size_t k = 0; k < kOutputs; ++k) outputs[k].push_back(statistics[k]);
  }
  return outputs;
}

void expect_close(const std::array<Numbers, kOutputs>& actual,
                  const std::array<Numbers, kOutputs>& wanted, double largest = 10) {
  for (std::size_t k = 0; k < kOutputs; ++k) {
    ASSERT_EQ(actual[k].size(), wanted[k].size());
    const double tolerance = k == 0 ? 1e-15 * largest : k == 1 ? 1e-13 : 0;
    for (std::size_t i = 0; i < actual[k].size(); ++i) {
      if (std::isnan(wanted[k][i])) {
        ASSERT_TRUE(std::isnan(actual[k][i])) << k << " " << i;
      } else {
        ASSERT_NEAR(actual[k][i], wanted[k][i], tolerance) << k << " " << i;
      }
    }
  }
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {{1}, {3}, "nearest"},
      {{7}, {1}, "valid"},
      {{50}, {9}, "valid"},
      {{50}, {65}, "periodic"},
      {{3}, {11}, "nearest"},
      {{12, 13}, {3}, "nearest"},
      {{12, 13}, {5, 3}, "valid"},
      {{12, 13}, {3, 5}, "periodic,valid"},
      {{9, 20}, {9, 11}, "valid,periodic"},
      {{40, 6}, {1, 5}, "nearest"},
      {{6, 40}, {7, 1}, "nearest"},
      {{3, 700}, {3, 3}, "periodic"},
      {{5, 6, 7}, {3}, "nearest"},
      {{5, 6, 7}, {3, 5, 1}, "valid,nearest,periodic"},
      {{2, 1, 90}, {1, 3, 9}, "periodic"},
      {{3, 4, 5, 6}, {3, 1, 3, 5}, "nearest,valid,periodic,valid"},
  };
  return kCases;
}

class WindowTest : public testing::TestWithParam<const kernels::WindowLoops*> {
 protected:
  void SetUp() override { setenv("GRISTMILL_INSTRUCTION_SET", GetParam()->instruction_set, 1); }
  void TearDown() override { unsetenv("GRISTMILL_INSTRUCTION_SET"); }
};

TEST_P(WindowTest, MatchesAPlainLoop) {
  for (const Case& of : cases()) {
    SCOPED_TRACE(testing::PrintToString(of.shape) + " " + testing::PrintToString(of.sizes) + " " +
                 of.edges);
    const Numbers grid = random_grid(of.shape);
    expect_close(windowed(array_of(grid, of.shape), of), expected(grid, of));
  }
}

TEST_P(WindowTest, AnyChunksGiveTheSameBits) {
  for (const Case& of : cases()) {
    SCOPED_TRACE(testing::PrintToString(of.shape) + " " + testing::PrintToString(of.sizes) + " " +
                 of.edges);
    const Numbers grid = random_grid(of.shape, 1e5);
    const auto whole = windowed(array_of(grid, of.shape), of);
    for (const std::int64_t chunk_size : {1, 2, 5}) {
      EXPECT_EQ(windowed(array_of(grid, of.shape), of, chunk_size), whole);
    }
  }
}

TEST_P(WindowTest, AllInstructionSetsGiveTheSameBits) {
  for (const Case& of : cases()) {
    const Numbers grid = random_grid(of.shape, 1e5);
    SetUp();
    const auto found = windowed(array_of(grid, of.shape), of);
    setenv("GRISTMILL_INSTRUCTION_SET", "baseline", 1);
    EXPECT_EQ(found, windowed(array_of(grid, of.shape), of));
  }
}

TEST_P(WindowTest, ALargeOffsetLosesNoDigits) {
  const Case of{{40, 30}, {7, 9}, "nearest"};
  for (const double offset : {1e6, -1e9, 1e12}) {
    const Numbers grid = random_grid(of.shape, offset);
    Numbers without = grid;
    for (double& number : without) number -= offset;
    const auto found = windowed(array_of(grid, of.shape), of);
    const auto wanted = expected(without, of);
    for (std::size_t i = 0; i < grid.size(); ++i) {
      ASSERT_NEAR(found[1][i] / wanted[1][i], 1, 1e-14);
    }
  }
}

TEST_P(WindowTest, ALargeStepNearbyLosesNoDigits) {
  // Half of the grid is far away from the other half: no single shift would suit both.
  const Case of{{20, 40}, {5}, "nearest"};
  Numbers grid = random_grid(of.shape);
  for (std::size_t i = 0; i < grid.size(); ++i) grid[i] += i % 40 < 20 ? 0 : 1e10;
  const auto found = windowed(array_of(grid, of.shape), of);
  const auto wanted = expected(grid, of);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    ASSERT_NEAR(found[1][i] / wanted[1][i], 1, 1e-12) << i;
  }
}

TEST_P(WindowTest, EqualNumbersDoNotDeviate) {
  const Case of{{30, 40}, {7, 11}, "periodic"};
  for (const double number : {0.0, 0.1, -1.0 / 3, 1e300, -1e-300}) {
    const Numbers grid(30 * 40, number);
    const auto found = windowed(array_of(grid, of.shape), of);
    EXPECT_THAT(found[1], testing::Each(0.0)) << number;
    EXPECT_THAT(found[2], testing::Each(number));
  }
}

TEST_P(WindowTest, ANanIsSeenByItsNeighboursOnly) {
  for (const Case& of : {Case{{15, 16}, {3, 5}, "periodic"}, Case{{15, 16}, {9, 9}, "valid"},
                         Case{{60}, {7}, "nearest"}, Case{{6, 7, 8}, {3}, "nearest"}}) {
    Numbers grid = random_grid(of.shape);
    grid[0] = kNan;
    grid[37] = -kNan;
    for (const std::int64_t chunk_size : {1, 1000}) {
      expect_close(windowed(array_of(grid, of.shape), of, chunk_size), expected(grid, of));
    }
  }
}

TEST_P(WindowTest, AnInfinityMakesTheMeanInfinite) {
  const Case of{{9}, {3}, "valid"};
  const Numbers grid = {1, 2, 3, kInf, 4, 5, 6, -kInf, kInf};
  const auto found = windowed(array_of(grid, of.shape), of);
  EXPECT_THAT(found[0], testing::ElementsAre(2, kInf, kInf, kInf, 5, -kInf, testing::IsNan()));
  EXPECT_THAT(found[1], testing::ElementsAre(testing::DoubleEq(std::sqrt(2.0 / 3)),
                                             testing::IsNan(), testing::IsNan(), testing::IsNan(),
                                             testing::DoubleEq(std::sqrt(2.0 / 3)),
                                             testing::IsNan(), testing::IsNan()));
  EXPECT_THAT(found[2], testing::ElementsAre(2, 3, 4, 5, 5, 5, 6));
  EXPECT_THAT(found[3], testing::ElementsAre(1, 2, 3, 4, 4, -kInf, -kInf));
  EXPECT_THAT(found[4], testing::ElementsAre(3, kInf, kInf, kInf, 6, 6, kInf));
}

TEST_P(WindowTest, ANeighbourhoodOfOneIsTheElement) {
  const Case of{{4}, {1}, "nearest"};
  const Numbers grid = {1.5, -2, kInf, kNan};
  const auto found = windowed(array_of(grid, of.shape), of);
  for (const std::size_t k : {0u, 2u, 3u, 4u}) {
    EXPECT_THAT(found[k], testing::ElementsAre(1.5, -2, kInf, testing::IsNan()));
  }
  EXPECT_THAT(found[1], testing::ElementsAre(0, 0, testing::IsNan(), testing::IsNan()));
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, WindowTest,
                         testing::ValuesIn(kernels::supported_window().begin(),
                                           kernels::supported_window().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

template <class T>
class WindowDtypeTest : public testing::Test {};
using Dtypes = testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
                              std::uint16_t, std::uint32_t, std::uint64_t, float, double>;
struct DtypeNames {
  template <class T>
  // NOLINTNEXTLINE(readability-identifier-naming): the name is GoogleTest's
  static std::string GetName(int) {
    return kernel::dtype_name(kernel::dtype_of<T>());
  }
};
TYPED_TEST_SUITE(WindowDtypeTest, Dtypes, DtypeNames);

TYPED_TEST(WindowDtypeTest, MatchesAPlainLoop) {
  const Case of{{10, 11}, {3, 5}, "periodic,nearest"};
  std::vector<TypeParam> grid;
  Numbers wide;
  for (const double number : random_grid(of.shape)) {
    grid.push_back(static_cast<TypeParam>(number * 10 + 60));
    wide.push_back(static_cast<double>(grid.back()));
  }
  expect_close(windowed(array_of(kernel::dtype_of<TypeParam>(), grid.data(), of.shape), of),
               expected(wide, of), 100);
}

TEST(WindowLargeTest, PartsMeetWithoutASeam) {
  // Several parts along each axis.
  for (const Case& of :
       {Case{{40, 2000}, {3, 5}, "nearest,periodic"}, Case{{40'000}, {11}, "periodic"},
        Case{{40, 60, 150}, {3}, "periodic,nearest,valid"}}) {
    Numbers grid;
    const Numbers random = random_grid(of.shape);
    for (const double number : random) grid.push_back(std::round(number * 10));
    const auto whole = windowed(array_of(grid, of.shape), of, 1'000'000);
    EXPECT_EQ(windowed(array_of(grid, of.shape), of, 7), whole);
    expect_close(whole, expected(grid, of), 100);
  }
}

class WindowRequestTest : public testing::Test {
 protected:
  const Case of_{{12, 10}, {3, 5}, "valid,nearest"};
  const Numbers grid_ = random_grid({12, 10});
};

TEST_F(WindowRequestTest, ThePlanSaysWhatItTakes) {
  const PluginJob job(*gm_plugin_query(), window_request(array_of(grid_, {12, 10}), of_));
  EXPECT_EQ(job.items(), 10);
  EXPECT_EQ(job.plan().index_space, gm_index_space{GM_RANGE});
  EXPECT_EQ(job.plan().bytes_per_item, 10 * 8 * 6);
  EXPECT_GT(job.plan().nanoseconds_per_item, 0);
  EXPECT_STREQ(job.plan().instruction_set, kernels::chosen_window().instruction_set);
  for (std::size_t k = 0; k < kOutputs; ++k) {
    const gm_array& output = job.plan().outputs[k];
    EXPECT_EQ(output.dtype, gm_dtype{GM_FLOAT64});
    ASSERT_EQ(output.rank, 2u);
    EXPECT_EQ(output.shape[0], 10);
    EXPECT_EQ(output.shape[1], 10);
  }
}

TEST_F(WindowRequestTest, OutputsThatAreNotWantedDoNotChangeTheOthers) {
  const auto all = windowed(array_of(grid_, {12, 10}), of_);
  for (unsigned wanted = 1; wanted < 32; ++wanted) {
    PluginRequest request = window_request(array_of(grid_, {12, 10}), of_);
    for (unsigned k = 0; k < kOutputs; ++k) request.wanted.push_back(wanted >> k & 1);
    PluginJob job(*gm_plugin_query(), request);
    job.run_all(3);
    for (std::size_t k = 0; k < kOutputs; ++k) {
      const auto found = job.output<double>(k);
      if (request.wanted[k] == 0) {
        EXPECT_TRUE(found.empty());
      } else {
        EXPECT_TRUE(std::ranges::equal(found, all[k]));
      }
    }
  }
}

TEST_F(WindowRequestTest, GridsWithoutElementsGiveNone) {
  const Case of{{0, 5}, {3}, "nearest"};
  PluginJob no_rows(*gm_plugin_query(), window_request(array_of(GM_FLOAT64, nullptr, {0, 5}), of));
  EXPECT_EQ(no_rows.items(), 0);
  no_rows.run_all(1);
  PluginJob no_columns(*gm_plugin_query(),
                       window_request(array_of(GM_FLOAT64, nullptr, {5, 0}), of));
  EXPECT_EQ(no_columns.items(), 5);
  no_columns.run_all(2);
}

TEST_F(WindowRequestTest, ACancelledJobStopsEarly) {
  PluginJob job(*gm_plugin_query(), window_request(array_of(grid_, {12, 10}), of_));
  job.cancel();
  job.run_all(100);
  for (const std::byte byte : job.output_bytes(1)) EXPECT_EQ(byte, std::byte{0xAB});
}

TEST_F(WindowRequestTest, WhatDoesNotFitIsRefused) {
  const auto message_of = [](const gm_array& grid, const Case& of) -> std::string {
    try {
      PluginJob job(*gm_plugin_query(), window_request(grid, of));
    } catch (const CallError& error) {
      EXPECT_EQ(error.status(), GM_INVALID);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message_of(array_of(grid_, {12, 10}), {{}, {13, 1}, "valid"}),
            "axis 0 of input \"grid\" has a length of 12, less than the neighbourhood's 13");
}

}  // namespace
}  // namespace gristmill::test
