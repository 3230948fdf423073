#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"
#include "kernels/condition.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::kernels {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using bench::text_param;
using testing::ElementsAre;
using testing::IsEmpty;

template <class T>
std::vector<std::uint32_t> chosen(const std::vector<T>& values, const char* where) {
  std::vector<std::uint32_t> rows(values.size());
  const Column column{values.data(), kernel::dtype_of<T>(), 1};
  const std::int64_t count = Condition::parse(where).choose(
      column, 0, static_cast<std::int64_t>(values.size()), rows.data());
  rows.resize(static_cast<std::size_t>(count));
  return rows;
}

TEST(ConditionTest, ComparesByEachOperator) {
  const std::vector<double> values = {1, 2, 3, 2.5};
  EXPECT_THAT(chosen(values, "< 2.5"), ElementsAre(0, 1));
  EXPECT_THAT(chosen(values, "<= 2.5"), ElementsAre(0, 1, 3));
  EXPECT_THAT(chosen(values, "> 2"), ElementsAre(2, 3));
  EXPECT_THAT(chosen(values, ">=2"), ElementsAre(1, 2, 3));
  EXPECT_THAT(chosen(values, "== 2"), ElementsAre(1));
  EXPECT_THAT(chosen(values, "!= 2"), ElementsAre(0, 2, 3));
}

TEST(ConditionTest, SeveralComparisonsMustAllHold) {
  const std::vector<int> values = {-5, 0, 15, 60, 61};
  EXPECT_THAT(chosen(values, "> 0 and <= 60"), ElementsAre(2, 3));
  EXPECT_THAT(chosen(values, "> 0 and <= 60 and != 15"), ElementsAre(3));
  EXPECT_THAT(chosen(values, "> 60 and < 0"), IsEmpty());
}

TEST(ConditionTest, ANanFulfilsIsNanAndUnequalAlone) {
  const std::vector<double> values = {1, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THAT(chosen(values, "is nan"), ElementsAre(1));
  EXPECT_THAT(chosen(values, "is not nan"), ElementsAre(0));
  EXPECT_THAT(chosen(values, "!= 1"), ElementsAre(1));
  for (const char* where : {"< 1", "<= 1", "> 1", ">= 2", "== 2"}) {
    for (const std::uint32_t row : chosen(values, where)) EXPECT_EQ(row, 0U) << where;
  }
  EXPECT_THAT(chosen(std::vector<int>{1}, "is nan"), IsEmpty());
}

TEST(ConditionTest, WholeNumbersAreComparedExactly) {
  constexpr std::int64_t kBig = std::int64_t{1} << 60;
  EXPECT_THAT(chosen(std::vector<std::int64_t>{kBig, kBig + 1}, "> 1152921504606846976"),
              ElementsAre(1));
  EXPECT_THAT(chosen(std::vector<std::uint64_t>{1, UINT64_MAX}, "> 9223372036854775807"),
              ElementsAre(1));
  EXPECT_THAT(chosen(std::vector<std::uint64_t>{0, 1}, "> -1"), ElementsAre(0, 1));
  EXPECT_THAT(chosen(std::vector<std::uint8_t>{0, 255}, "< 256"), ElementsAre(0, 1));
  EXPECT_THAT(chosen(std::vector<std::int8_t>{-128, 127}, ">= 127"), ElementsAre(1));
  EXPECT_THAT(chosen(std::vector<std::int64_t>{2, 3, kBig}, "> 2.5"), ElementsAre(1, 2));
  EXPECT_THAT(
      chosen(std::vector<double>{9007199254740992.0, 9007199254740994.0}, "> 9007199254740993"),
      ElementsAre(1));
  EXPECT_THAT(chosen(std::vector<double>{9007199254740992.0}, "== 9007199254740993"), IsEmpty());
  EXPECT_THAT(chosen(std::vector<float>{0.1F}, "> 0.1"), ElementsAre(0)) << "as a float64";
}

TEST(ConditionTest, WholeNumbersBeyondInt64AreComparedExactly) {
  const std::vector<std::uint64_t> largest = {UINT64_MAX - 1, UINT64_MAX};
  EXPECT_THAT(chosen(largest, "== 18446744073709551615"), ElementsAre(1));
  EXPECT_THAT(chosen(largest, "< 18446744073709551615"), ElementsAre(0));
  EXPECT_THAT(chosen(largest, "< 18446744073709551616"), ElementsAre(0, 1));
  const std::vector<std::int64_t> least = {INT64_MIN, INT64_MAX};
  EXPECT_THAT(chosen(least, "> -9223372036854775809"), ElementsAre(0, 1));
  EXPECT_THAT(chosen(least, ">= 9223372036854775808"), IsEmpty());
  EXPECT_THAT(chosen(std::vector<double>{0x1p63, 0x1p64}, "> 9223372036854775809"), ElementsAre(1));
  EXPECT_THAT(chosen(std::vector<std::uint8_t>{255}, "< 18446744073709551615"), ElementsAre(0));
}

TEST(ConditionTest, WhatIsNoConditionIsRefused) {
  for (const char* where :
       {"", "15", "> ", "> x", "=> 3", "> 3 and", "> 3 and ", "nan", "> 1e999x"}) {
    EXPECT_THROW(Condition::parse(where), kernel::Invalid) << where;
  }
}

PluginJob select(const gm_array& rows, const char* where, std::int64_t column = 0) {
  gm_param_value number{};
  number.type = GM_PARAM_INT;
  number.integer = column;
  return {*gm_plugin_query(),
          {"select", {rows}, {{"where", text_param(where)}, {"column", number}}}};
}

TEST(SelectTest, KeepsRowsAndTheirNumbersInOrder) {
  const std::vector<std::int32_t> values = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50};
  for (const std::int64_t chunk_size : {1, 2, 3, 5}) {
    PluginJob job = select(array_of(GM_INT32, values.data(), {5, 2}), "> 15 and != 40", 1);
    job.run_all(chunk_size);
    EXPECT_EQ(job.emitted_rows(), 3);
    EXPECT_THAT(job.output<std::int32_t>(0), ElementsAre(2, 20, 3, 30, 5, 50));
    EXPECT_THAT(job.output<std::int64_t>(1), ElementsAre(1, 2, 4));
  }
}

TEST(SelectTest, RowsOfAnyLengthAreCopied) {
  for (const std::int64_t columns : {1, 2, 3, 5, 8, 24}) {
    std::vector<std::uint8_t> values(static_cast<std::size_t>(10'000 * columns));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i * 7);
    PluginJob job = select(array_of(GM_UINT8, values.data(), {10'000, columns}), "< 100");
    job.run_all(9000);
    std::vector<std::uint8_t> expected;
    for (std::size_t row = 0; row < 10'000; ++row) {
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(row) * columns;
      if (*first < 100) expected.insert(expected.end(), first, first + columns);
    }
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), job.output<std::uint8_t>(0).begin(),
                           job.output<std::uint8_t>(0).end()))
        << columns;
  }
}

TEST(SelectTest, AColumnThatIsNotThereAndAWrongConditionAreRefused) {
  const std::vector<double> values = {1, 2};
  const gm_array rows = array_of(values, {1, 2});
  for (const auto& [where, column] : {std::pair{"> 1", 2}, {"> 1", -1}, {"1 <", 0}}) {
    try {
      const PluginJob job = select(rows, where, column);
      ADD_FAILURE() << where << column;
    } catch (const CallError& error) {
      EXPECT_EQ(error.status(), GM_INVALID);
    }
  }
}

}  // namespace
}  // namespace gristmill::kernels
