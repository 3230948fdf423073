#include "kernels/kmeans_step.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"
#include "kernels/instruction_set.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using testing::ElementsAre;

PluginJob step(const gm_array& points, const gm_array& centroids,
               std::vector<std::uint8_t> wanted = {}) {
  return {*gm_plugin_query(), {"kmeans_step", {points, centroids}, {}, std::move(wanted)}};
}

const std::vector<std::uint8_t> kPoints = {0, 0, 2, 0, 1, 3, 10, 10, 12, 14, 6, 5};
const std::vector<double> kCentroids = {1, 1, 11, 11, 100, 100};

gm_array points() { return array_of(GM_UINT8, kPoints.data(), {6, 2}); }
gm_array centroids() { return array_of(kCentroids, {3, 2}); }

TEST(KMeansStepTest, GivesTheMeansOfTheNearestPoints) {
  for (const std::int64_t chunk_size : {1, 2, 5, 6}) {
    PluginJob job = step(points(), centroids());
    job.run_all(chunk_size);
    EXPECT_THAT(job.output<double>(0), ElementsAre(2.25, 2, 11, 12, 100, 100));
    EXPECT_THAT(job.output<std::int64_t>(1), ElementsAre(4, 2, 0));
    EXPECT_THAT(job.output<double>(2), ElementsAre(2 + 2 + 4 + 2 + 10 + 41));
  }
}

TEST(KMeansStepTest, NoPointsLeaveTheCentroids) {
  PluginJob job = step(array_of(GM_FLOAT32, nullptr, {0, 2}), centroids());
  job.run_all(1);
  EXPECT_TRUE(std::ranges::equal(job.output<double>(0), kCentroids));
  EXPECT_THAT(job.output<std::int64_t>(1), ElementsAre(0, 0, 0));
  EXPECT_THAT(job.output<double>(2), ElementsAre(0));
}

TEST(KMeansStepTest, RepeatedStepsComeToRest) {
  std::vector<double> moving = {0, 0, 1, 1};
  double before = 1e300;
  for (int i = 0; i < 10; ++i) {
    PluginJob job = step(points(), array_of(moving, {2, 2}));
    job.run_all(4);
    EXPECT_LE(job.output<double>(2)[0], before);
    before = job.output<double>(2)[0];
    const auto moved = job.output<double>(0);
    moving.assign(moved.begin(), moved.end());
  }
  EXPECT_THAT(moving, ElementsAre(1, 1, 28.0 / 3, 29.0 / 3));
}

TEST(KMeansStepTest, OutputsThatAreNotWantedAreLeftOut) {
  for (std::size_t k = 0; k < 3; ++k) {
    PluginJob job = step(points(), centroids(), {k == 0, k == 1, k == 2});
    job.run_all(6);
    for (std::size_t other = 0; other < 3; ++other) {
      EXPECT_EQ(job.output_bytes(other).empty(), other != k);
    }
  }
}

TEST(KMeansStepTest, OnlyWholeNumbersMergeExactly) {
  const PluginJob whole = step(array_of(GM_INT64, nullptr, {6, 2}), centroids());
  EXPECT_NE(whole.plan().flags & GM_EXACT_MERGE, 0u);
  EXPECT_STREQ(whole.plan().instruction_set, kernels::chosen_clustering().instruction_set);
  EXPECT_GT(whole.plan().nanoseconds_per_item, 0);
  EXPECT_EQ(whole.plan().outputs[0].shape[0], 3);
  EXPECT_EQ(whole.plan().outputs[0].shape[1], 2);
  const PluginJob floats = step(array_of(GM_FLOAT32, nullptr, {6, 2}), centroids());
  EXPECT_EQ(floats.plan().flags & GM_EXACT_MERGE, 0u);
  EXPECT_EQ(whole.plan().accumulator_bytes - floats.plan().accumulator_bytes, 3 * 2 * 8);
}

TEST(KMeansStepTest, ACancelledJobStopsEarly) {
  PluginJob job = step(points(), centroids());
  job.cancel();
  job.run_all(6);
  EXPECT_THAT(job.output<std::int64_t>(1), ElementsAre(0, 0, 0));
}

TEST(KMeansStepTest, WhatDoesNotFitIsRefused) {
  const auto refused = [](const gm_array& points, const gm_array& centroids) -> std::string {
    try {
      step(points, centroids);
    } catch (const CallError& error) {
      EXPECT_EQ(error.status(), GM_INVALID);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refused(array_of(GM_INT8, nullptr, {6, 3}), centroids()),
            "input \"centroids\" has 2 columns, input \"points\" has 3");
  EXPECT_EQ(refused(points(), array_of(kCentroids, {0, 2})), "input \"centroids\" has no rows");
  EXPECT_EQ(refused(array_of(GM_INT8, nullptr, {6, 0}), array_of(kCentroids, {3, 0})),
            "input \"points\" has no columns");
}

}  // namespace
}  // namespace gristmill::test
