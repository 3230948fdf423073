// Both kernels against plain scalar loops, in each instruction set that this CPU has.

#include "kernels/pairwise.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/instruction_set.h"
#include "tests/unit/kernels/pairs_reference.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class PairwiseTest : public testing::TestWithParam<const kernels::Pairwise*> {
 protected:
  void SetUp() override { setenv("GRISTMILL_INSTRUCTION_SET", GetParam()->instruction_set, 1); }
  void TearDown() override { unsetenv("GRISTMILL_INSTRUCTION_SET"); }
};

TEST_P(PairwiseTest, HaversineMatchesTheFormula) {
  for (const std::int64_t rows : {0, 1, 2, 15, 16, 17, 33, 700}) {
    SCOPED_TRACE(rows);
    const PointTable places = random_places(rows);
    expect_close(by_kernels("haversine", places), reference("haversine", places));
  }
}

TEST_P(PairwiseTest, EuclideanMatchesTheFormulaInAnyDimension) {
  for (const std::int64_t columns : {1, 2, 3, 4, 7, 400}) {
    for (const std::int64_t rows : {1, 9, 33, 100}) {
      SCOPED_TRACE(testing::Message() << rows << " x " << columns);
      const PointTable points = random_cube(rows, columns);
      expect_close(by_kernels("euclidean", points), reference("euclidean", points), 0.0);
    }
  }
}

TEST_P(PairwiseTest, SeveralTilesMatchTheFormula) {
  const PointTable points = random_places(40);
  const PointTable targets = random_places(5000);
  expect_close(by_kernels("haversine", points, targets), reference("haversine", points, targets));
}

TEST_P(PairwiseTest, PointsInLaterTilesAreLeftOutToo) {
  const PointTable places = random_places(3000);
  const PairsResult all = by_kernels("haversine", places);
  for (const double distance : all.distance) EXPECT_GT(distance, 0.0);
  expect_close(all, reference("haversine", places));
}

TEST_P(PairwiseTest, PolesAndAntimeridian) {
  const PointTable places{
      2, {90, 0, 90, 120, -90, 0, 0, 180, 0, -180, 0, 179.999, 0, -179.999, 45, 180, 45, -180}};
  const PairsResult actual = by_kernels("haversine", places);
  const PairsResult expected = reference("haversine", places);
  for (std::size_t i = 0; i < actual.mean.size(); ++i) {
    EXPECT_NEAR(actual.mean[i], expected.mean[i], 1e-4);
    EXPECT_NEAR(actual.max[i], expected.max[i], 1e-3);
    EXPECT_NEAR(actual.distance[i], expected.distance[i], 1e-9);
  }
  EXPECT_EQ(actual.index[0], 1);
  EXPECT_EQ(actual.index[3], 4);
  EXPECT_EQ(actual.index[8], 7);
}

// Where half the chord is 1, a rounding of it is an angle of 1e-8.
TEST_P(PairwiseTest, AntipodesAreHalfTheEarthApart) {
  const double half_earth_km = 3.141592653589793 * 6371.0088;
  const PointTable places = random_places(200);
  PointTable antipodes{2, {}};
  for (std::size_t i = 0; i < places.values.size(); i += 2) {
    const double longitude = places.values[i + 1];
    antipodes.values.push_back(-places.values[i]);
    antipodes.values.push_back(longitude > 0 ? longitude - 180 : longitude + 180);
  }
  for (const double max : by_kernels("haversine", places, antipodes).max) {
    EXPECT_NEAR(max, half_earth_km, 1e-3);
    EXPECT_LE(max, half_earth_km * (1 + 1e-15));
  }
}

TEST_P(PairwiseTest, NearPointsKeepTheirPrecision) {
  PointTable places{2, {}};
  for (int i = 0; i < 40; ++i) {
    places.values.push_back(48.0 + 1e-5 * i * i);
    places.values.push_back(11.0);
  }
  expect_close(by_kernels("haversine", places), reference("haversine", places), 3e-12);
}

TEST_P(PairwiseTest, DuplicatesAreNearestAtDistanceZero) {
  const PointTable places{2, {10, 20, 30, 40, 10, 20, 10, 20}};
  const PairsResult result = by_kernels("haversine", places);
  EXPECT_EQ(result.index, (std::vector<std::int64_t>{2, 0, 0, 0}));
  EXPECT_EQ(result.distance[0], 0.0);
  EXPECT_EQ(result.distance[3], 0.0);
  expect_close(result, reference("haversine", places));
}

TEST_P(PairwiseTest, LowestIndexWinsTies) {
  const PointTable points{1, {0, 3, 7}};
  const PointTable targets{1, {2, -1, 1, 5, 1, 9, 5}};
  EXPECT_EQ(by_kernels("euclidean", points, targets).index, (std::vector<std::int64_t>{1, 0, 3}));
}

TEST_P(PairwiseTest, PointWithNaNHasNoAnswerAndIsNoTarget) {
  for (const std::string metric : {"haversine", "euclidean"}) {
    SCOPED_TRACE(metric);
    PointTable points = random_places(50);
    for (const std::size_t row : {0u, 7u, 8u, 16u, 49u}) points.values[2 * row + row % 2] = kNaN;
    const PairsResult result = by_kernels(metric, points);
    EXPECT_EQ(result.index[7], -1);
    expect_close(result, reference(metric, points));
  }
}

TEST_P(PairwiseTest, NaNTargetsAreSkippedAndKeepTheRowsOfOthers) {
  const PointTable points{2, {0, 0, kNaN, 0}};
  const PointTable targets{2, {kNaN, 0, 1, 1, 0, kNaN, 0.5, 0.5, kNaN, kNaN}};
  const PairsResult result = by_kernels("haversine", points, targets);
  EXPECT_EQ(result.index, (std::vector<std::int64_t>{3, -1}));
  expect_close(result, reference("haversine", points, targets));
}

TEST_P(PairwiseTest, NoTargetsGiveNaN) {
  const PointTable lonely{2, {1, 2}};
  const PointTable nowhere{2, {kNaN, 2}};
  expect_close(by_kernels("haversine", lonely), reference("haversine", lonely));
  for (const std::string metric : {"haversine", "euclidean"}) {
    for (const PointTable& targets : {PointTable{2, {}}, nowhere}) {
      const PairsResult result = by_kernels(metric, random_places(20), targets);
      EXPECT_EQ(result.index, std::vector<std::int64_t>(20, -1));
      for (const double mean : result.mean) EXPECT_TRUE(std::isnan(mean));
      for (const double max : result.max) EXPECT_TRUE(std::isnan(max));
      for (const double distance : result.distance) EXPECT_TRUE(std::isnan(distance));
    }
  }
}

TEST_P(PairwiseTest, SameBitsForAnyChunkSize) {
  PointTable places = random_places(1500);
  places.values[2 * 70] = kNaN;
  const PointTable cube = random_cube(150, 5);
  const PairsResult all_places = by_kernels("haversine", places);
  const PairsResult all_cube = by_kernels("euclidean", cube);
  for (const std::int64_t chunk_size : {1, 2, 7, 16, 100, 1000}) {
    SCOPED_TRACE(chunk_size);
    expect_same_bits(by_kernels("haversine", places, std::nullopt, chunk_size), all_places);
    expect_same_bits(by_kernels("euclidean", cube, std::nullopt, chunk_size), all_cube);
  }
}

TEST_P(PairwiseTest, PointsAsTheirOwnTargetsFindThemselves) {
  const PointTable places = random_places(100);
  const PairsResult result = by_kernels("haversine", places, places);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(result.index[i], static_cast<std::int64_t>(i));
    EXPECT_EQ(result.distance[i], 0.0);
  }
}

TEST_P(PairwiseTest, MeanAndMaxOfOneTargetAreTheDistance) {
  const PointTable places = random_places(64);
  const PairsResult result = by_kernels("haversine", places, PointTable{2, {12, 34}});
  EXPECT_EQ(result.mean, result.max);
  EXPECT_EQ(result.mean, result.distance);
}

// The matrix of distances by the kernel of that name.
std::vector<double> matrix_of(const std::string& metric, const PointTable& points) {
  bench::PluginJob job(*gm_plugin_query(), pairs_request("pairwise", metric.c_str(), points));
  job.run_all(1);
  const auto distance = job.output<double>(0);
  return {distance.begin(), distance.end()};
}

TEST_P(PairwiseTest, TheMatrixHasTheDistancesOfTheOtherKernels) {
  for (const auto& [metric, points] : {std::pair{"haversine", random_places(300)},
                                       {"euclidean", random_cube(300, 2)},
                                       {"euclidean", random_cube(70, 3)},
                                       {"euclidean", random_cube(40, 11)}}) {
    const PairsResult result = by_kernels(metric, points);
    const std::vector<double> matrix = matrix_of(metric, points);
    const auto count = static_cast<std::size_t>(points.rows());
    for (std::size_t i = 0; i < count; ++i) {
      double least = std::numeric_limits<double>::infinity();
      double most = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const double distance = matrix[i * count + j];
        if (j != i) least = std::min(least, distance);
        most = std::max(most, distance);
      }
      ASSERT_EQ(least, result.distance[i]);
      ASSERT_EQ(most, result.max[i]);
      ASSERT_EQ(matrix[i * count + static_cast<std::size_t>(result.index[i])], least);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, PairwiseTest,
                         testing::ValuesIn(kernels::supported_pairwise().begin(),
                                           kernels::supported_pairwise().end()),
                         [](const auto& suite) {
                           std::string name = suite.param->instruction_set;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace gristmill::test
