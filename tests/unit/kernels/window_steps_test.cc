#include "kernels/window_steps.h"

#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gristmill::kernels {
namespace {

// What the set that begins at 0 consists of after all steps.
std::vector<std::int64_t> numbers_of(const std::vector<WindowStep>& steps) {
  std::vector<std::int64_t> set = {0};
  for (const WindowStep& step : steps) {
    const std::vector<std::int64_t> added = step.single ? std::vector<std::int64_t>{0} : set;
    for (const std::int64_t number : added) set.push_back(number + step.shift);
  }
  return set;
}

TEST(WindowStepsTest, DisjointStepsTakeEveryNumberOnce) {
  for (std::int64_t size = 1; size < 300; ++size) {
    const auto steps = disjoint_steps(size);
    const auto numbers = numbers_of(steps);
    EXPECT_EQ(static_cast<std::int64_t>(numbers.size()), size);
    const std::set<std::int64_t> distinct(numbers.begin(), numbers.end());
    EXPECT_EQ(static_cast<std::int64_t>(distinct.size()), size);
    EXPECT_EQ(*distinct.rbegin(), size - 1);
    EXPECT_EQ(steps.empty() ? 1 : steps.back().size, size);
  }
}

TEST(WindowStepsTest, OverlappingStepsTakeEveryNumberAndNoOther) {
  for (std::int64_t size = 1; size < 300; ++size) {
    const auto steps = overlapping_steps(size);
    const auto numbers = numbers_of(steps);
    const std::set<std::int64_t> distinct(numbers.begin(), numbers.end());
    EXPECT_EQ(static_cast<std::int64_t>(distinct.size()), size);
    EXPECT_EQ(*distinct.begin(), 0);
    EXPECT_EQ(*distinct.rbegin(), size - 1);
    EXPECT_EQ(steps.empty() ? 1 : steps.back().size, size);
  }
}

TEST(WindowStepsTest, StepsAreFewerThanTwiceTheDigits) {
  EXPECT_EQ(disjoint_steps(31).size(), 8u);
  EXPECT_EQ(disjoint_steps(33).size(), 6u);
  EXPECT_EQ(overlapping_steps(31).size(), 5u);
}

std::set<std::int64_t> members(const std::vector<StepRange>& ranges) {
  std::set<std::int64_t> all;
  std::int64_t end = -1;
  for (const StepRange& range : ranges) {
    EXPECT_GT(range.begin, end) << "ranges ascend and do not touch";
    EXPECT_LT(range.begin, range.end);
    for (std::int64_t i = range.begin; i < range.end; ++i) all.insert(i);
    end = range.end;
  }
  return all;
}

TEST(WindowStepsTest, EachStepFindsWhatItTakesAndNothingElseIsMade) {
  for (const std::int64_t size : {2, 3, 7, 8, 31, 100, 101}) {
    for (const std::int64_t count : {1, 2, 5, 40}) {
      for (const auto& steps : {disjoint_steps(size), overlapping_steps(size)}) {
        const auto ranges = ranges_of(steps, count);
        ASSERT_EQ(ranges.size(), steps.size());
        std::set<std::int64_t> wanted;
        for (std::int64_t i = 0; i < count; ++i) wanted.insert(i);
        for (std::size_t i = steps.size(); i-- > 0;) {
          ASSERT_EQ(members(ranges[i]), wanted);
          if (steps[i].single) continue;
          const std::set<std::int64_t> sets = wanted;
          for (const std::int64_t set : sets) wanted.insert(set + steps[i].shift);
        }
        ASSERT_LE(*wanted.rbegin(), count + size - 2);
      }
    }
  }
}

TEST(WindowStepsTest, ASizeOfOneTakesNoStep) {
  EXPECT_TRUE(disjoint_steps(1).empty());
  EXPECT_TRUE(overlapping_steps(1).empty());
  EXPECT_TRUE(ranges_of({}, 5).empty());
}

}  // namespace
}  // namespace gristmill::kernels
