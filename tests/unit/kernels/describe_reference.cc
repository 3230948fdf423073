#include "tests/unit/kernels/describe_reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

long double mean_of(const std::vector<long double>& values) {
  long double sum = 0;
  for (const long double value : values) sum += value;
  return sum / static_cast<long double>(values.size());
}

double deviation_of(const std::vector<long double>& values, std::int64_t ddof) {
  const auto freedom = static_cast<std::int64_t>(values.size()) - ddof;
  if (values.empty() || freedom <= 0) return kNan;
  const long double mean = mean_of(values);
  long double squares = 0;
  for (const long double value : values) squares += (value - mean) * (value - mean);
  return static_cast<double>(std::sqrt(squares / static_cast<long double>(freedom)));
}

template <class T>
std::vector<T> output(const bench::PluginJob& job, std::size_t index) {
  const auto values = job.output<T>(index);
  return {values.begin(), values.end()};
}

bool agree(double actual, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(actual);
  return actual == expected || std::abs(actual - expected) <= tolerance;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace

Summary expected_summary(const std::vector<double>& rows, std::int64_t columns, std::int64_t ddof) {
  Summary summary;
  for (std::size_t column = 0; column < static_cast<std::size_t>(columns); ++column) {
    std::vector<long double> values;
    for (std::size_t i = column; i < rows.size(); i += static_cast<std::size_t>(columns)) {
      values.push_back(rows[i]);
    }
    const auto is_nan = [](long double value) { return std::isnan(value); };
    const bool none = values.empty() || std::any_of(values.begin(), values.end(), is_nan);
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    summary.count.push_back(static_cast<std::int64_t>(values.size()));
    summary.mean.push_back(none ? kNan : static_cast<double>(mean_of(values)));
    summary.std.push_back(none ? kNan : deviation_of(values, ddof));
    summary.min.push_back(none ? kNan : static_cast<double>(*least));
    summary.max.push_back(none ? kNan : static_cast<double>(*most));
  }
  return summary;
}

bench::PluginRequest describe_request(const gm_array& rows, std::int64_t ddof) {
  gm_param_value value{};
  value.type = GM_PARAM_INT;
  value.integer = ddof;
  return {"describe", {rows}, {{"ddof", value}}};
}

Summary described(const gm_array& rows, std::int64_t ddof, const Cut& cut) {
  bench::PluginJob job(*gm_plugin_query(), describe_request(rows, ddof));
  job.run_all(std::min(cut.chunk_size, std::max(job.items(), std::int64_t{1})), cut.merged_at_once);
  return {output<std::int64_t>(job, 0), output<double>(job, 1), output<double>(job, 2),
          output<double>(job, 3), output<double>(job, 4)};
}

Summary described(const std::vector<double>& rows, std::int64_t columns, std::int64_t ddof,
                  const Cut& cut) {
  const std::int64_t count = static_cast<std::int64_t>(rows.size()) / columns;
  return described(bench::array_of(rows, {count, columns}), ddof, cut);
}

std::vector<double> random_numbers(std::int64_t count) {
  std::mt19937_64 random(static_cast<std::uint64_t>(count));
  std::uniform_real_distribution<double> distribution(-1, 1);
  std::vector<double> numbers(static_cast<std::size_t>(count));
  for (double& number : numbers) number = distribution(random);
  return numbers;
}

void expect_close(const Summary& actual, const Summary& expected) {
  EXPECT_EQ(actual.count, expected.count);
  ASSERT_EQ(actual.mean.size(), expected.mean.size());
  for (std::size_t i = 0; i < expected.mean.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "column " << i);
    const double mean = expected.mean[i];
    const double std = expected.std[i];
    const double scale = std::isfinite(std) ? std::max(std::abs(mean), std) : std::abs(mean);
    EXPECT_TRUE(agree(actual.mean[i], mean, 1e-12 * scale)) << actual.mean[i] << " " << mean;
    EXPECT_TRUE(agree(actual.std[i], std, 1e-12 * std)) << actual.std[i] << " " << std;
    EXPECT_TRUE(agree(actual.min[i], expected.min[i], 0)) << actual.min[i];
    EXPECT_TRUE(agree(actual.max[i], expected.max[i], 0)) << actual.max[i];
  }
}

void expect_same_bits(const Summary& actual, const Summary& expected) {
  EXPECT_EQ(actual.count, expected.count);
  EXPECT_TRUE(same_bits(actual.mean, expected.mean));
  EXPECT_TRUE(same_bits(actual.std, expected.std));
  EXPECT_TRUE(same_bits(actual.min, expected.min));
  EXPECT_TRUE(same_bits(actual.max, expected.max));
}

}  // namespace gristmill::test
