#include "ipc/merge_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace gristmill::ipc {
namespace {

constexpr std::uint32_t kFanIn = 4;

class MergeTreeTest : public testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {
 protected:
  std::uint32_t leaves() const { return GetParam().first; }
  std::uint32_t fan_in() const { return GetParam().second; }
  const MergeTree tree_{leaves(), fan_in()};
};

TEST_P(MergeTreeTest, EachPartialButTheRootIsAnInputOfOneMergeInOrder) {
  std::uint32_t next = 0;
  for (std::uint32_t merge = leaves(); merge < tree_.partials(); ++merge) {
    const ChunkRange inputs = tree_.inputs_of(merge);
    ASSERT_EQ(inputs.begin, next) << merge;
    ASSERT_GE(inputs.end, inputs.begin) << merge;
    ASSERT_LE(inputs.size(), fan_in()) << merge;
    next = inputs.end;
  }
  EXPECT_EQ(next, tree_.root());
}

TEST_P(MergeTreeTest, TheRootIsLast) {
  EXPECT_EQ(tree_.root(), tree_.partials() - 1);
  EXPECT_EQ(tree_.levels().back(), (ChunkRange{tree_.root(), tree_.partials()}));
  EXPECT_EQ(tree_.merges(), tree_.partials() - leaves());
}

TEST_P(MergeTreeTest, LevelsFollowTheLeavesAndEachOther) {
  std::uint32_t next = leaves();
  for (const ChunkRange& level : tree_.levels()) {
    EXPECT_EQ(level.begin, next);
    EXPECT_FALSE(level.empty());
    next = level.end;
  }
  EXPECT_EQ(next, tree_.partials());
}

TEST_P(MergeTreeTest, ALevelNeedsOnlyWhatComesBeforeIt) {
  for (const ChunkRange& level : tree_.levels()) {
    for (std::uint32_t merge = level.begin; merge < level.end; ++merge) {
      ASSERT_LE(tree_.inputs_of(merge).end, level.begin) << merge;
    }
  }
}

TEST_P(MergeTreeTest, ALevelHasAsFewMergesAsPossible) {
  std::uint32_t below = leaves();
  for (const ChunkRange& level : tree_.levels()) {
    EXPECT_EQ(level.size(), std::max((below + fan_in() - 1) / fan_in(), 1U));
    below = level.size();
  }
}

TEST_P(MergeTreeTest, DependsOnItsTwoNumbersAlone) {
  const MergeTree other(leaves(), fan_in());
  EXPECT_EQ(other.levels(), tree_.levels());
  for (std::uint32_t merge = leaves(); merge < tree_.partials(); ++merge) {
    ASSERT_EQ(other.inputs_of(merge), tree_.inputs_of(merge)) << merge;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Leaves, MergeTreeTest,
    testing::Values(std::pair(0U, kFanIn), std::pair(1U, kFanIn), std::pair(2U, kFanIn),
                    std::pair(kFanIn, kFanIn), std::pair(kFanIn + 1, kFanIn),
                    std::pair(kFanIn* kFanIn, kFanIn), std::pair(kFanIn* kFanIn + 1, kFanIn),
                    std::pair(2048U, 2U), std::pair(2048U, 4096U), std::pair(1'000'000U, 2U),
                    std::pair(1'000'000U, 7U), std::pair(1'000'000U, 4096U)),
    [](const auto& suite) {
      return std::to_string(suite.param.first) + "By" + std::to_string(suite.param.second);
    });

TEST(MergeTreeShapeTest, NoLeavesHaveARootOfNothing) {
  const MergeTree tree(0, kFanIn);
  EXPECT_EQ(tree.merges(), 1U);
  EXPECT_EQ(tree.root(), 0U);
  EXPECT_TRUE(tree.inputs_of(0).empty());
}

TEST(MergeTreeShapeTest, ASingleLeafHasARootOfItsOwn) {
  const MergeTree tree(1, kFanIn);
  EXPECT_EQ(tree.merges(), 1U);
  EXPECT_EQ(tree.inputs_of(tree.root()), (ChunkRange{0, 1}));
}

TEST(MergeTreeShapeTest, AsManyLeavesAsOneMergeTakesHaveOneLevel) {
  EXPECT_EQ(MergeTree(kFanIn, kFanIn).levels().size(), 1U);
  EXPECT_EQ(MergeTree(kFanIn, kFanIn).inputs_of(kFanIn), (ChunkRange{0, kFanIn}));
}

TEST(MergeTreeShapeTest, OneLeafMoreHasASecondLevel) {
  const MergeTree tree(kFanIn + 1, kFanIn);
  EXPECT_EQ(tree.levels(), (std::vector<ChunkRange>{{5, 7}, {7, 8}}));
  EXPECT_EQ(tree.inputs_of(5), (ChunkRange{0, 4}));
  EXPECT_EQ(tree.inputs_of(6), (ChunkRange{4, 5}));
  EXPECT_EQ(tree.inputs_of(7), (ChunkRange{5, 7}));
}

}  // namespace
}  // namespace gristmill::ipc
