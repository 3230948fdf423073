#include "tests/unit/kernels/pairs_reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>
#include <span>

#include <gtest/gtest.h>

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double haversine_km(const double* a, const double* b) {
  const double degree = std::numbers::pi / 180.0;
  const double latitude = std::sin((b[0] - a[0]) * degree / 2);
  const double longitude = std::sin((b[1] - a[1]) * degree / 2);
  const double h = latitude * latitude +
                   std::cos(a[0] * degree) * std::cos(b[0] * degree) * longitude * longitude;
  return 2 * 6371.0088 * std::asin(std::sqrt(std::min(h, 1.0)));
}

double euclidean(const double* a, const double* b, std::int64_t columns) {
  double sum = 0;
  for (std::int64_t k = 0; k < columns; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(sum);
}

bool has_nan(const double* point, std::int64_t columns) {
  return std::any_of(point, point + columns, [](double value) { return std::isnan(value); });
}

void add_point(const std::string& metric, const PointTable& points, std::int64_t row,
               const PointTable& targets, bool against_themselves, PairsResult& result) {
  const std::int64_t columns = points.columns;
  const double* point = &points.values[static_cast<std::size_t>(row * columns)];
  double sum = 0;
  double count = 0;
  double max = kNaN;
  double best = kNaN;
  std::int64_t index = -1;
  for (std::int64_t other = 0; other < targets.rows(); ++other) {
    const double* target = targets.values.data() + other * columns;
    if ((against_themselves && other == row) || has_nan(target, columns)) continue;
    const double distance =
        metric == "haversine" ? haversine_km(point, target) : euclidean(point, target, columns);
    sum += distance;
    count += 1;
    if (!(distance <= max)) max = distance;
    if (distance < best || (index < 0 && !std::isnan(distance))) {
      best = distance;
      index = other;
    }
  }
  result.mean.push_back(sum / count);
  result.max.push_back(max);
  result.index.push_back(index);
  result.distance.push_back(best);
}

template <class T>
std::vector<T> copy_of(std::span<const T> values) {
  return {values.begin(), values.end()};
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void expect_close(const char* what, const std::vector<double>& actual,
                  const std::vector<double>& expected, double absolute_tolerance) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(actual[i])) << what << " " << i << " is " << actual[i];
    } else {
      EXPECT_NEAR(actual[i], expected[i], std::max(absolute_tolerance, 1e-12 * expected[i]))
          << what << " " << i;
    }
  }
}

}  // namespace

PairsResult reference(const std::string& metric, const PointTable& points,
                      const std::optional<PointTable>& targets) {
  PairsResult result;
  for (std::int64_t row = 0; row < points.rows(); ++row) {
    add_point(metric, points, row, targets.value_or(points), !targets, result);
  }
  return result;
}

bench::PluginRequest pairs_request(const std::string& kernel, const char* metric,
                                   const PointTable& points,
                                   const std::optional<PointTable>& targets) {
  bench::PluginRequest request{kernel, {points.array()}, {{"metric", bench::text_param(metric)}}};
  if (targets) request.inputs.push_back(targets->array());
  return request;
}

PairsResult by_kernels(const std::string& metric, const PointTable& points,
                       const std::optional<PointTable>& targets, std::int64_t chunk_size) {
  if (chunk_size == 0) chunk_size = std::max<std::int64_t>(1, points.rows());
  bench::PluginJob far(*gm_plugin_query(),
                       pairs_request("mean_distance", metric.c_str(), points, targets));
  bench::PluginJob near(*gm_plugin_query(),
                        pairs_request("nearest", metric.c_str(), points, targets));
  far.run_all(chunk_size);
  near.run_all(chunk_size);
  return {copy_of(far.output<double>(0)), copy_of(far.output<double>(1)),
          copy_of(near.output<std::int64_t>(0)), copy_of(near.output<double>(1))};
}

PointTable random_places(std::int64_t rows) {
  std::mt19937_64 random(static_cast<std::uint64_t>(rows));
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  PointTable places{2, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    places.values.push_back(std::asin(uniform(random)) * 180.0 / std::numbers::pi);
    places.values.push_back(uniform(random) * 180.0);
  }
  return places;
}

PointTable random_cube(std::int64_t rows, std::int64_t columns) {
  std::mt19937_64 random(static_cast<std::uint64_t>(rows * columns));
  std::uniform_real_distribution<double> uniform;
  PointTable points{columns, {}};
  for (std::int64_t i = 0; i < rows * columns; ++i) points.values.push_back(uniform(random));
  return points;
}

void expect_close(const PairsResult& actual, const PairsResult& expected,
                  double absolute_tolerance) {
  expect_close("mean", actual.mean, expected.mean, absolute_tolerance);
  expect_close("max", actual.max, expected.max, absolute_tolerance);
  expect_close("distance", actual.distance, expected.distance, absolute_tolerance);
  EXPECT_EQ(actual.index, expected.index);
}

void expect_same_bits(const PairsResult& actual, const PairsResult& expected) {
  EXPECT_TRUE(same_bits(actual.mean, expected.mean));
  EXPECT_TRUE(same_bits(actual.max, expected.max));
  EXPECT_TRUE(same_bits(actual.index, expected.index));
  EXPECT_TRUE(same_bits(actual.distance, expected.distance));
}

}  // namespace gristmill::test
