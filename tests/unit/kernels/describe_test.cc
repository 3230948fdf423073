#include "kernels/describe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "tests/unit/kernels/describe_reference.h"

namespace gristmill::test {
namespace {

using bench::array_of;
using testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// What the loops read at once, in elements.
constexpr std::int64_t kBlock = 16384;

template <class T>
class DescribeDtypeTest : public testing::Test {};
using Dtypes = testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
                              std::uint16_t, std::uint32_t, std::uint64_t, float, double>;
struct DtypeNames {
  template <class T>
  // NOLINTNEXTLINE(readability-identifier-naming): the name is GoogleTest's
  static std::string GetName(int) {
    return kernel::dtype_name(kernel::dtype_of<T>());
  }
};
TYPED_TEST_SUITE(DescribeDtypeTest, Dtypes, DtypeNames);

// Numbers from all of the dtype's range; of floating point numbers from -1 to 1.
template <class T>
T number_from(double random) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(random);
  } else {
    constexpr auto kLeast = static_cast<double>(std::numeric_limits<T>::min());
    constexpr auto kMost = static_cast<double>(std::numeric_limits<T>::max());
    return static_cast<T>(kLeast + (0.5 + 0.49 * random) * (kMost - kLeast));
  }
}

TYPED_TEST(DescribeDtypeTest, MatchesTheReference) {
  for (const std::int64_t columns : {1, 3, 40}) {
    std::vector<TypeParam> rows;
    std::vector<double> wide;
    for (const double random : random_numbers(1000 * columns)) {
      rows.push_back(number_from<TypeParam>(random));
      wide.push_back(static_cast<double>(rows.back()));
    }
    const gm_array array = array_of(kernel::dtype_of<TypeParam>(), rows.data(), {1000, columns});
    expect_close(described(array), expected_summary(wide, columns));
  }
}

TYPED_TEST(DescribeDtypeTest, FindsTheLeastAndTheMostThereIs) {
  using Limits = std::numeric_limits<TypeParam>;
  std::vector<TypeParam> rows(100, TypeParam{1});
  rows[40] = Limits::lowest();
  rows[70] = Limits::max();
  const Summary summary = described(array_of(kernel::dtype_of<TypeParam>(), rows.data(), {100}));
  EXPECT_THAT(summary.min, ElementsAre(static_cast<double>(Limits::lowest())));
  EXPECT_THAT(summary.max, ElementsAre(static_cast<double>(Limits::max())));
}

TEST(DescribeTest, AnyWidthMatchesTheReference) {
  for (std::int64_t columns = 1; columns <= 70; ++columns) {
    SCOPED_TRACE(columns);
    for (const std::int64_t count : {1, 2, 33, 1000}) {
      const std::vector<double> rows = random_numbers(count * columns);
      expect_close(described(rows, columns), expected_summary(rows, columns));
    }
  }
}

TEST(DescribeTest, AnyNumberOfRowsMatchesTheReference) {
  for (const std::int64_t columns : {1, 3, 32, 33}) {
    const std::int64_t block = kBlock / std::min(columns, std::int64_t{32});
    for (const std::int64_t count : {std::int64_t{1}, std::int64_t{2}, block - 1, block, block + 1,
                                     2 * block, 3 * block + 7}) {
      SCOPED_TRACE(testing::Message() << count << " x " << columns);
      const std::vector<double> rows = random_numbers(count * columns);
      expect_close(described(rows, columns), expected_summary(rows, columns));
    }
  }
}

TEST(DescribeTest, NoRowsHaveACountAndNothingElse) {
  for (const std::int64_t ddof : {-1, 0, 1}) {
    expect_close(described({}, 3, ddof), expected_summary({}, 3, ddof));
  }
}

TEST(DescribeTest, AxesOfARowAreColumnsLikeOthers) {
  const std::vector<double> rows = random_numbers(120);
  const Summary expected = expected_summary(rows, 12);
  expect_close(described(array_of(rows, {10, 12})), expected);
  expect_close(described(array_of(rows, {10, 3, 4})), expected);
  expect_close(described(array_of(rows, {120})), expected_summary(rows, 1));
}

TEST(DescribeTest, RowsWithoutColumnsGiveNothing) {
  const Summary summary = described(array_of(GM_FLOAT64, nullptr, {5, 0}));
  EXPECT_THAT(summary.count, ElementsAre());
  EXPECT_THAT(summary.mean, ElementsAre());
}

TEST(DescribeTest, ANanMakesItsOwnColumnNan) {
  for (const std::int64_t columns : {1, 3, 40}) {
    const std::int64_t count = 2 * kBlock / std::min(columns, std::int64_t{32}) + 5;
    for (const std::int64_t row : {std::int64_t{0}, std::int64_t{1}, count / 2, count - 1}) {
      SCOPED_TRACE(testing::Message() << "row " << row << " of " << count << " x " << columns);
      std::vector<double> rows = random_numbers(count * columns);
      rows[static_cast<std::size_t>(row * columns + columns / 2)] = kNan;
      const Summary expected = expected_summary(rows, columns);
      EXPECT_TRUE(std::isnan(expected.max[static_cast<std::size_t>(columns / 2)]));
      expect_close(described(rows, columns), expected);
      expect_close(described(rows, columns, 0, {100, 4}), expected);
    }
  }
}

// Also in the first row, and in two blocks or chunks, as well as in one.
void expect_with(std::vector<double> values) {
  for (const std::int64_t columns : {1, 3, 40}) {
    const std::int64_t count = 3 * kBlock / std::min(columns, std::int64_t{32}) + 5;
    for (const std::int64_t first : {std::int64_t{0}, std::int64_t{7}}) {
      for (const std::int64_t distance : {std::int64_t{1}, count / 2}) {
        SCOPED_TRACE(testing::Message()
                     << count << " x " << columns << " from " << first << " by " << distance);
        std::vector<double> rows = random_numbers(count * columns);
        for (std::size_t i = 0; i < values.size(); ++i) {
          const std::int64_t row = first + static_cast<std::int64_t>(i) * distance;
          rows[static_cast<std::size_t>(row * columns + columns - 1)] = values[i];
        }
        const Summary expected = expected_summary(rows, columns);
        expect_close(described(rows, columns), expected);
        expect_close(described(rows, columns, 0, {100, 4}), expected);
      }
    }
  }
}

TEST(DescribeTest, AnInfinityMakesTheMeanInfinite) {
  expect_with({kInf});
  expect_with({-kInf});
}

TEST(DescribeTest, SeveralInfinitiesOfOneSignMakeTheMeanInfinite) {
  expect_with({kInf, kInf});
  expect_with({-kInf, -kInf});
}

TEST(DescribeTest, InfinitiesOfBothSignsHaveNoMean) {
  expect_with({kInf, -kInf});
  expect_with({-kInf, kInf});
}

TEST(DescribeTest, ANanAmongInfinitiesIsANan) {
  expect_with({kInf, kNan});
  expect_with({kNan, -kInf});
}

TEST(DescribeTest, OnlyInfinitiesAreAllThereIs) {
  const Summary summary = described(std::vector<double>(50, kInf), 1, 0, {7, 2});
  EXPECT_THAT(summary.mean, ElementsAre(kInf));
  EXPECT_THAT(summary.min, ElementsAre(kInf));
  EXPECT_THAT(summary.max, ElementsAre(kInf));
  EXPECT_TRUE(std::isnan(summary.std[0]));
}

TEST(DescribeTest, SumsBeyondAllNumbersHaveNoFiniteMean) {
  std::vector<double> rows(100);
  rows[1] = rows[33] = 1.7e308;
  rows[2] = rows[34] = -1.7e308;
  const Summary summary = described(rows, 1);
  EXPECT_FALSE(std::isfinite(summary.mean[0]));
  EXPECT_THAT(summary.min, ElementsAre(-1.7e308));
  EXPECT_THAT(summary.max, ElementsAre(1.7e308));
}

TEST(DescribeTest, ConstantColumnsHaveNoDeviationAtAll) {
  for (const double value : {0.0, 0.1, -1.0 / 3, 1e300, -1e-300, 5e-324}) {
    for (const std::int64_t columns : {1, 5, 33}) {
      for (const std::int64_t count : {1, 2, 1000, 20'000}) {
        const std::vector<double> rows(static_cast<std::size_t>(count * columns), value);
        for (const Cut& cut : {Cut{}, Cut{17, 3}}) {
          const Summary summary = described(rows, columns, 0, cut);
          EXPECT_THAT(summary.std, testing::Each(0.0)) << value;
          EXPECT_THAT(summary.mean, testing::Each(value));
          EXPECT_THAT(summary.min, testing::Each(value));
          EXPECT_THAT(summary.max, testing::Each(value));
        }
      }
    }
  }
}

TEST(DescribeTest, ALargeOffsetLosesNoDigits) {
  for (const std::int64_t columns : {1, 3}) {
    std::vector<double> rows = random_numbers(100'000 * columns);
    for (double& number : rows) number += 1e9;
    const Summary expected = expected_summary(rows, columns);
    expect_close(described(rows, columns), expected);
    expect_close(described(rows, columns, 0, {1000, 4}), expected);
    expect_close(described(rows, columns, 0, {1, 2}), expected);
  }
}

TEST(DescribeTest, AFirstRowFarFromAllOthersLosesNoDigits) {
  for (const double far : {1e3, 1e9, -1e15}) {
    std::vector<double> rows = random_numbers(2 * kBlock);
    rows[0] = rows[kBlock] = far;
    expect_close(described(rows, 1), expected_summary(rows, 1));
  }
}

TEST(DescribeTest, AFarFirstRowOfABlockWithManyLikeTheSecondLosesNoDigits) {
  std::vector<double> rows(kBlock, 1.0);
  rows[0] = 1e9;
  rows[1] = 1 + 1e-9;
  expect_close(described(rows, 1), expected_summary(rows, 1));
}

TEST(DescribeTest, NumbersThatChangeSlowlyLoseNoDigits) {
  std::vector<double> rows;
  for (int i = 0; i < 100'000; ++i) rows.push_back(1e6 + i * 1e-3);
  const Summary expected = expected_summary(rows, 1);
  expect_close(described(rows, 1), expected);
  expect_close(described(rows, 1, 0, {333, 4}), expected);
}

TEST(DescribeTest, DdofIsSubtractedFromTheCount) {
  const std::vector<double> rows = {1, 2, 3, 6};
  EXPECT_THAT(described(rows, 1, 0).std, ElementsAre(std::sqrt(14.0 / 4)));
  EXPECT_THAT(described(rows, 1, 1).std, ElementsAre(std::sqrt(14.0 / 3)));
  EXPECT_THAT(described(rows, 1, 3).std, ElementsAre(std::sqrt(14.0)));
  EXPECT_THAT(described(rows, 1, -4).std, ElementsAre(std::sqrt(14.0 / 8)));
}

TEST(DescribeTest, ADdofOfTheCountOrMoreHasNoDeviation) {
  for (const std::int64_t ddof : {std::int64_t{4}, std::int64_t{5}, INT64_MAX}) {
    const Summary summary = described({1, 2, 3, 6}, 1, ddof);
    EXPECT_TRUE(std::isnan(summary.std[0])) << ddof;
    EXPECT_EQ(summary.mean[0], 3.0);
  }
}

TEST(DescribeTest, TheLeastDdofThereIsIsANumberLikeOthers) {
  const Summary summary = described({1, 2, 3, 6}, 1, INT64_MIN);
  EXPECT_DOUBLE_EQ(summary.std[0], std::sqrt(14.0 / 0x1p63));
}

TEST(DescribeTest, ChunksAndMergesChangeNextToNothing) {
  for (const std::int64_t columns : {1, 3, 40}) {
    const std::vector<double> rows = random_numbers(30'000 * columns);
    const Summary whole = described(rows, columns);
    for (const std::int64_t chunk_size : {1, 7, 1000, 16384, 29'999}) {
      for (const std::size_t merged_at_once : {2u, 3u, 4096u}) {
        expect_close(described(rows, columns, 0, {chunk_size, merged_at_once}), whole);
      }
    }
  }
}

}  // namespace
}  // namespace gristmill::test
