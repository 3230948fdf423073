// Sums by group, in each instruction set that this CPU has.

#include "kernels/grouping.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr std::int64_t kNever = INT64_MAX;

class GroupingTest : public testing::TestWithParam<const GroupingLoops*> {
 protected:
  // All in one group.
  template <class T>
  static IntegerGroup added(const std::vector<T>& values, std::int64_t threshold = kNever) {
    const std::vector<std::uint32_t> keys(values.size());
    IntegerGroup group{};
    const auto count = static_cast<std::int64_t>(values.size());
    EXPECT_EQ(GetParam()->add_integers[kernel::dtype_of<T>()](
                  {values.data(), 1, keys.data(), 0, count, 1}, threshold, &group),
              count);
    return group;
  }
};

TEST_P(GroupingTest, ExtremesOfAllSizesAreSummedExactly) {
  const auto check = []<class T>(T) {
    if constexpr (std::is_integral_v<T>) {
      using Limits = std::numeric_limits<T>;
      const std::vector<T> values = {Limits::max(), Limits::lowest(), Limits::max(), T{1},
                                     Limits::max(), Limits::max(),    Limits::max()};
      SignedWide sum = 0;
      Wide squares = 0;
      std::int64_t carried = 0;
      for (const T value : values) {
        sum += value;
        const Wide size = value < 0 ? -static_cast<Wide>(value) : static_cast<Wide>(value);
        squares += size * size;
        carried += squares < size * size ? 1 : 0;
      }
      const IntegerGroup group = added(values);
      EXPECT_EQ(group.count, 7);
      EXPECT_TRUE(group.sum == sum);
      EXPECT_TRUE(group.squares == squares);
      EXPECT_EQ(group.squares_carried, carried);
      const bool flipped = std::is_same_v<T, std::uint64_t>;
      EXPECT_EQ(group.min, flipped ? INT64_MIN : static_cast<std::int64_t>(Limits::lowest()));
      EXPECT_EQ(group.max, flipped ? INT64_MAX : static_cast<std::int64_t>(Limits::max()));
    }
  };
  for (const gm_dtype dtype :
       {GM_INT8, GM_INT16, GM_INT32, GM_INT64, GM_UINT8, GM_UINT16, GM_UINT32, GM_UINT64}) {
    SCOPED_TRACE(kernel::dtype_name(dtype));
    kernel::dispatch(dtype, check);
  }
}

TEST_P(GroupingTest, AboveIsAtTheThresholdOrAbove) {
  EXPECT_EQ(added<std::int16_t>({-3, -2, 0, 5, 6}, -2).above, 4);
  EXPECT_EQ(added<std::int64_t>({INT64_MIN, INT64_MAX}, INT64_MIN).above, 2);
  // Of uint64 in the flipped order: 2^63 is 0.
  EXPECT_EQ(added<std::uint64_t>({0, std::uint64_t{1} << 63, UINT64_MAX}, 0).above, 2);
}

TEST_P(GroupingTest, KeysOfAnyDtypeChooseTheGroup) {
  const auto check = []<class K>(K) {
    const std::vector<K> keys = {K{1}, K{0}, K{2}, K{1}};
    std::vector<std::uint32_t> read(4);
    ASSERT_EQ(GetParam()->read_keys[kernel::dtype_of<K>()](keys.data(), 4, 3, read.data()), 4);
    const std::vector<double> values = {10, 20, 30, 11};
    std::vector<ShiftedGroup> groups(3);
    GetParam()->add_floats[GM_FLOAT64]({values.data(), 1, read.data(), 0, 4, 3}, 0, groups.data());
    EXPECT_EQ(groups[0].count, 1);
    EXPECT_EQ(groups[1].count, 2);
    EXPECT_EQ(groups[1].shift, 10);
    EXPECT_EQ(groups[1].sum, 1);
    EXPECT_EQ(groups[2].min, 30);
  };
  for (const gm_dtype dtype :
       {GM_INT8, GM_INT16, GM_INT32, GM_INT64, GM_UINT8, GM_UINT16, GM_UINT32, GM_UINT64}) {
    kernel::dispatch(dtype, check);
  }
}

TEST_P(GroupingTest, TheFirstKeyThatIsNoGroupIsFound) {
  std::vector<std::uint32_t> read(4);
  const std::vector<std::int8_t> negative = {0, 1, -1, 9};
  EXPECT_EQ(GetParam()->read_keys[GM_INT8](negative.data(), 4, 3, read.data()), 2);
  const std::vector<std::uint64_t> large = {0, std::uint64_t{1} << 32, 2, 1};
  EXPECT_EQ(GetParam()->read_keys[GM_UINT64](large.data(), 4, 3, read.data()), 1);
  const std::vector<std::int32_t> table = {5, 0, 6, 3, 7, 1};
  std::vector<IntegerGroup> groups(3);
  EXPECT_EQ(GetParam()->add_integers[GM_INT32]({table.data(), 2, table.data() + 1, 2, 3, 3}, 0,
                                               groups.data()),
            1);
  EXPECT_EQ(groups[0].count, 1);
}

TEST_P(GroupingTest, AFloatingPointKeyIsAWholeNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double wrong : {0.5, -1.0, 3.0, 1e300, -1e300, nan}) {
    const std::vector<double> table = {1, 2, 1, wrong};
    std::vector<ShiftedGroup> groups(3);
    EXPECT_EQ(GetParam()->add_floats[GM_FLOAT64]({table.data(), 2, table.data() + 1, 2, 2, 3}, 0,
                                                 groups.data()),
              1)
        << wrong;
  }
}

TEST_P(GroupingTest, FloatsHaveTheBitsOfTheBaseline) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(1e6, 3);
  std::vector<double> values;
  std::vector<std::uint32_t> keys;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(normal(random));
    keys.push_back(static_cast<std::uint32_t>(random() % 100));
  }
  const GroupedRows rows{values.data(), 1, keys.data(), 0, 20'000, 100};
  std::vector<ShiftedGroup> shifted(100);
  std::vector<FloatGroup> groups[2] = {std::vector<FloatGroup>(100), std::vector<FloatGroup>(100)};
  add_float_rows(*GetParam(), GM_FLOAT64, rows, 1e6, shifted.data(), groups[0].data());
  add_float_rows(kGroupingBaseline, GM_FLOAT64, rows, 1e6, shifted.data(), groups[1].data());
  EXPECT_EQ(std::memcmp(groups[0].data(), groups[1].data(), 100 * sizeof(FloatGroup)), 0);
  for (const ShiftedGroup& group : shifted) EXPECT_EQ(group.count, 0);
}

TEST_P(GroupingTest, AFirstNumberFarFromTheOthersLosesNoDigits) {
  std::vector<double> values = {1e15};
  for (int i = 0; i < 100; ++i) values.push_back(1 + i % 2);
  const std::vector<std::uint32_t> keys(values.size());
  ShiftedGroup shifted{};
  FloatGroup group{};
  add_float_rows(*GetParam(), GM_FLOAT64, {values.data(), 1, keys.data(), 0, 101, 1}, 0, &shifted,
                 &group);
  // n - 1 equal ones and a far one: squared deviations (n - 1) / n far^2, to the last digits.
  EXPECT_NEAR(group.moments.mean, (1e15 + 150) / 101, 1e-3);
  const double far = 1e15 - 1.5;
  EXPECT_NEAR(group.moments.squares, far * far * 100 / 101, far * far * 1e-14);
  values = {1e9, 1, 1 + 1e-9, 1, 1 + 1e-9};
  const std::vector<std::uint32_t> other = {0, 1, 1, 1, 1};
  std::vector<ShiftedGroup> two(2);
  std::vector<FloatGroup> groups(2);
  add_float_rows(*GetParam(), GM_FLOAT64, {values.data(), 1, other.data(), 0, 5, 2}, 0, two.data(),
                 groups.data());
  EXPECT_EQ(groups[0].moments.squares, 0);
  EXPECT_NEAR(groups[1].moments.squares, 1e-18, 1e-24);
}

TEST_P(GroupingTest, AWrongKeyAddsNothingOfFloats) {
  const std::vector<double> table = {1, 0, 2, 7};
  ShiftedGroup shifted{};
  FloatGroup group{};
  EXPECT_EQ(add_float_rows(*GetParam(), GM_FLOAT64, {table.data(), 2, table.data() + 1, 2, 2, 1}, 0,
                           &shifted, &group),
            1);
  EXPECT_EQ(group.moments.count, 0);
  EXPECT_EQ(shifted.count, 0);
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, GroupingTest,
                         testing::ValuesIn(supported_grouping().begin(),
                                           supported_grouping().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

IntegerGroup group_of(const std::vector<SignedWide>& values) {
  IntegerGroup group{};
  for (const SignedWide value : values) {
    ++group.count;
    group.sum += value;
    const Wide size = value < 0 ? -static_cast<Wide>(value) : static_cast<Wide>(value);
    group.squares += size * size;
    group.squares_carried += group.squares < size * size ? 1 : 0;
  }
  return group;
}

TEST(SquaredDeviationsTest, AreExactForSmallNumbers) {
  EXPECT_EQ(squared_deviations(group_of({5})), 0);
  EXPECT_EQ(squared_deviations(group_of({1, 2, 3, 6})), 14);
  EXPECT_EQ(squared_deviations(group_of({-1, -2, -3, -6})), 14);
  EXPECT_EQ(squared_deviations(group_of({0, 1})), 0.5);
  EXPECT_DOUBLE_EQ(squared_deviations(group_of({0, 0, 1})), 2.0 / 3);
}

TEST(SquaredDeviationsTest, NearNumbersFarFromZeroLoseNoDigits) {
  const SignedWide far = (SignedWide{1} << 63) - 4;
  EXPECT_EQ(squared_deviations(group_of({far, far + 1, far + 2, far + 3})), 5);
  EXPECT_EQ(squared_deviations(group_of({-far, -far - 1, -far - 2, -far - 3})), 5);
  const SignedWide farther = (SignedWide{1} << 64) - 2;
  EXPECT_EQ(squared_deviations(group_of({farther, farther + 1})), 0.5);
  EXPECT_EQ(squared_deviations(group_of({farther, farther, farther, farther, farther})), 0);
}

TEST(SquaredDeviationsTest, NumbersFarApartAreSquaredBeyond128Bits) {
  const SignedWide most = (SignedWide{1} << 64) - 1;
  EXPECT_DOUBLE_EQ(squared_deviations(group_of({0, most, 0, most})), 0x1p128);
  std::vector<SignedWide> many(100, most);
  many.resize(200, 0);
  EXPECT_DOUBLE_EQ(squared_deviations(group_of(many)), 50 * 0x1p128);
}

TEST(GroupMergeTest, IntegersMergeAsIfAddedTogether) {
  IntegerGroup into{};
  merge(into, IntegerGroup{});
  EXPECT_EQ(into.count, 0);
  IntegerGroup first{2, 1, -5, 7, 2, ~Wide{0}, 1};
  merge(into, first);
  merge(into, IntegerGroup{3, 2, -6, 1, -7, 5, 2});
  merge(into, IntegerGroup{});
  EXPECT_EQ(into.count, 5);
  EXPECT_EQ(into.above, 3);
  EXPECT_EQ(into.min, -6);
  EXPECT_EQ(into.max, 7);
  EXPECT_TRUE(into.sum == -5);
  EXPECT_TRUE(into.squares == 4);
  EXPECT_EQ(into.squares_carried, 4);
}

}  // namespace
}  // namespace gristmill::kernels
