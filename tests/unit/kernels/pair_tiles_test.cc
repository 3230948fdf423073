#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"
#include "kernels/embedding.h"
#include "tests/unit/kernels/param_values.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::kernels {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using bench::text_param;

std::vector<double> random_places(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> share(0, 1);
  std::vector<double> places;
  for (std::int64_t i = 0; i < count; ++i) {
    places.push_back(180 * share(random) - 90);
    places.push_back(360 * share(random) - 180);
  }
  return places;
}

// Haversine, the textbook's formula.
double kilometres(const double* a, const double* b) {
  const double degree = std::acos(-1.0) / 180;
  const double up = std::sin((b[0] - a[0]) * degree / 2);
  const double along = std::sin((b[1] - a[1]) * degree / 2);
  const double h = up * up + std::cos(a[0] * degree) * std::cos(b[0] * degree) * along * along;
  return 2 * kEarthRadiusKm * std::asin(std::sqrt(std::min(h, 1.0)));
}

TEST(PairwiseDistancesTest, AreThoseOfTheFormulaForPointsAndTargets) {
  const auto points = random_places(300, 1);
  const auto targets = random_places(777, 2);
  PluginJob job(*gm_plugin_query(),
                {"pairwise", {array_of(points, {300, 2}), array_of(targets, {777, 2})}});
  EXPECT_EQ(job.items(), 2 * 4);
  job.run_all(3);
  const auto distance = job.output<double>(0);
  for (std::size_t i = 0; i < 300; ++i) {
    for (std::size_t j = 0; j < 777; ++j) {
      ASSERT_NEAR(distance[i * 777 + j], kilometres(&points[2 * i], &targets[2 * j]), 1e-6);
    }
  }
}

TEST(PairwiseDistancesTest, OfPointsAmongThemselvesAreSymmetricToTheLastBit) {
  for (const std::int64_t count : {1, 15, 16, 17, 256, 257, 600}) {
    const auto points = random_places(count, 3);
    PluginJob job(*gm_plugin_query(), {"pairwise", {array_of(points, {count, 2})}});
    job.run_all(1);
    const auto distance = job.output<double>(0);
    const auto n = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(distance[i * n + i], 0);
      for (std::size_t j = 0; j < n; ++j) {
        ASSERT_EQ(distance[i * n + j], distance[j * n + i]);
        ASSERT_NEAR(distance[i * n + j], kilometres(&points[2 * i], &points[2 * j]), 1e-6);
      }
    }
  }
}

TEST(PairwiseDistancesTest, EuclideanTakesAnyDimensionAndWholeNumbers) {
  const std::vector<std::int32_t> points = {0, 0, 0, 0, 1, 2, 3, 4, 3, 4, 0, 0};
  PluginJob job(*gm_plugin_query(), {"pairwise",
                                     {array_of(GM_INT32, points.data(), {3, 4})},
                                     {{"metric", text_param("euclidean")}}});
  job.run_all(1);
  const auto distance = job.output<double>(0);
  EXPECT_DOUBLE_EQ(distance[1], std::sqrt(30.0));
  EXPECT_DOUBLE_EQ(distance[2], 5);
  EXPECT_DOUBLE_EQ(distance[5], std::sqrt(4.0 + 4 + 9 + 16));
}

TEST(PairHistogramTest, CountsEachPairOnceInTheBinOfItsDistance) {
  for (const std::int64_t count : {0, 1, 2, 17, 256, 300, 700}) {
    const auto points = random_places(count, 4);
    const auto n = static_cast<std::size_t>(count);
    std::vector<std::int64_t> expected(40);
    std::int64_t outside = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const double km = kilometres(&points[2 * i], &points[2 * j]);
        km<1000 || km> 19'000 ? ++outside : ++expected[static_cast<std::size_t>((km - 1000) / 450)];
      }
    }
    PluginJob job(*gm_plugin_query(), {"pair_histogram",
                                       {array_of(points, {count, 2})},
                                       {{"bins", test::int_param(40)},
                                        {"low", test::float_param(1000)},
                                        {"high", test::float_param(19'000)}}});
    job.run_all(2);
    const auto counts = job.output<std::int64_t>(0);
    EXPECT_EQ(std::vector<std::int64_t>(counts.begin(), counts.end()), expected) << count;
    EXPECT_EQ(job.output<std::int64_t>(2)[0], outside) << count;
    EXPECT_EQ(job.output<double>(1)[40], 19'000);
  }
}

TEST(PairHistogramTest, PairsWithANanAreOutside) {
  auto points = random_places(20, 5);
  points[7] = std::numeric_limits<double>::quiet_NaN();
  PluginJob job(
      *gm_plugin_query(),
      {"pair_histogram", {array_of(points, {20, 2})}, {{"high", test::float_param(30'000)}}});
  job.run_all(1);
  EXPECT_EQ(job.output<std::int64_t>(2)[0], 19);
}

TEST(PairHistogramTest, WhatDoesNotFitIsRefused) {
  const std::vector<double> points = {1, 2, 3};
  for (const char* kernel : {"pairwise", "pair_histogram"}) {
    EXPECT_THROW(PluginJob(*gm_plugin_query(),
                           {kernel, {array_of(points, {1, 3})}, {{"high", test::float_param(1)}}}),
                 CallError);
    EXPECT_THROW(PluginJob(*gm_plugin_query(),
                           {kernel,
                            {array_of(points, {1, 3})},
                            {{"metric", text_param("manhattan")}, {"high", test::float_param(1)}}}),
                 CallError);
  }
}

}  // namespace
}  // namespace gristmill::kernels
