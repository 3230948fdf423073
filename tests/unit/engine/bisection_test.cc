#include "engine/bisection.h"

#include <set>

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

// Probes until all is known; these items fail. Returns how many probes failed.
int bisect(Bisection& bisection, const std::set<std::int64_t>& bad) {
  int failures = 0;
  while (bisection.has_next()) {
    const Bisection::Probe probe = bisection.next();
    const auto first = bad.lower_bound(probe.begin);
    if (first == bad.end() || *first >= probe.end) continue;
    ++failures;
    bisection.failed(probe, "it crashed");
  }
  return failures;
}

TEST(BisectionTest, FindsTheOneItem) {
  for (std::int64_t bad = 30; bad < 47; ++bad) {
    Bisection bisection;
    bisection.add(3, 30, 47, "it crashed");
    EXPECT_LE(bisect(bisection, {bad}), 5);
    const std::vector<QuarantinedItems> found = bisection.found();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].chunk, 3);
    EXPECT_EQ(found[0].begin, bad);
    EXPECT_EQ(found[0].end, bad + 1);
    EXPECT_EQ(found[0].why, "it crashed");
  }
}

TEST(BisectionTest, NeighboursAreOneRange) {
  Bisection bisection;
  bisection.add(0, 0, 64, "it crashed");
  bisect(bisection, {7, 8, 9, 60});
  const std::vector<QuarantinedItems> found = bisection.found();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].begin, 7);
  EXPECT_EQ(found[0].end, 10);
  EXPECT_EQ(found[1].begin, 60);
}

TEST(BisectionTest, AChunkOfOneItemIsKnown) {
  Bisection bisection;
  bisection.add(5, 5, 6, "it crashed");
  EXPECT_FALSE(bisection.has_next());
  EXPECT_EQ(bisection.found().size(), 1U);
}

TEST(BisectionTest, AChunkThatFailsAllOverIsGivenUpAfterAWhile) {
  Bisection bisection;
  bisection.add(0, 0, 10'000, "it crashed");
  std::set<std::int64_t> all;
  for (std::int64_t i = 0; i < 10'000; ++i) all.insert(i);
  EXPECT_LE(bisect(bisection, all), Bisection::kMostFailures);
  std::int64_t items = 0;
  for (const QuarantinedItems& range : bisection.found()) items += range.end - range.begin;
  EXPECT_EQ(items, 10'000);
}

TEST(BisectionTest, AProbeThatWasNotTriedComesAgain) {
  Bisection bisection;
  bisection.add(0, 0, 2, "it crashed");
  const Bisection::Probe first = bisection.next();
  bisection.again(first);
  bisection.next();
  ASSERT_TRUE(bisection.has_next());
  EXPECT_EQ(bisection.next().begin, first.begin);
}

}  // namespace
}  // namespace gristmill::engine
