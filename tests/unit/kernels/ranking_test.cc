#include "kernels/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/philox.hpp>

namespace gristmill::kernels {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

void expect_ranked(Ranking& ranking, const std::vector<double>& numbers) {
  ranking.rank(numbers);
  std::vector<std::uint32_t> by_rank(numbers.size());
  std::iota(by_rank.begin(), by_rank.end(), 0u);
  std::stable_sort(by_rank.begin(), by_rank.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return numbers[a] < numbers[b]; });
  ASSERT_EQ(ranking.ranks().size(), numbers.size());
  ASSERT_EQ(ranking.sorted().size(), numbers.size());
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    ASSERT_EQ(ranking.ranks()[by_rank[rank]], rank);
    ASSERT_EQ(ranking.sorted()[rank], numbers[by_rank[rank]]);
  }
}

TEST(RankingTest, RanksAreThoseOfAStableSort) {
  Ranking ranking;
  kernel::Philox random(1, 1);
  for (const int count : {1, 2, 3, 100, 5000, 70}) {
    std::vector<double> normal;
    std::vector<double> whole;
    std::vector<double> narrow;
    std::vector<double> wide;
    for (int i = 0; i < count; ++i) {
      normal.push_back(random.normal());
      whole.push_back(static_cast<double>(random.below(20)) - 10);
      narrow.push_back(static_cast<float>(1e6 * random.normal()));
      wide.push_back(std::ldexp(random.normal(), static_cast<int>(random.below(2000)) - 1000));
    }
    for (const auto& numbers : {normal, whole, narrow, wide}) expect_ranked(ranking, numbers);
  }
}

TEST(RankingTest, TheEndsOfAllNumbersAreInOrder) {
  Ranking ranking;
  expect_ranked(ranking, {kInf, 5e-324, -kInf, 0, -5e-324, 1.7e308, -1.7e308, 1, -1});
}

TEST(RankingTest, NansHaveRanksToo) {
  Ranking ranking;
  const double nan = std::nan("");
  ranking.rank(std::vector<double>{1, nan, -kInf, -nan, kInf});
  EXPECT_THAT(ranking.ranks(), testing::ElementsAre(2, 4, 1, 0, 3));
}

TEST(RankingTest, NothingHasNoRanks) {
  Ranking ranking;
  ranking.rank({});
  EXPECT_TRUE(ranking.ranks().empty());
}

}  // namespace
}  // namespace gristmill::kernels
