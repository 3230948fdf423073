#include "kernels/instruction_set.h"

#include <stdlib.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "tests/unit/kernels/pairs_reference.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::kernels {
namespace {

class InstructionSetTest : public testing::Test {
 protected:
  void TearDown() override { unsetenv("GRISTMILL_INSTRUCTION_SET"); }
  static void set(const char* value) { setenv("GRISTMILL_INSTRUCTION_SET", value, 1); }
};

TEST_F(InstructionSetTest, TheFastestIsChosenAndBaselineAlwaysThere) {
  EXPECT_EQ(&chosen_pairwise(), supported_pairwise().front());
  EXPECT_STREQ(supported_pairwise().back()->instruction_set, "baseline");
  EXPECT_EQ(&chosen_column_moments(), supported_column_moments().front());
  EXPECT_STREQ(supported_column_moments().back()->instruction_set, "baseline");
  set("");
  EXPECT_EQ(&chosen_pairwise(), supported_pairwise().front());
}

TEST_F(InstructionSetTest, TheEnvironmentChoosesByShortOrFullName) {
  for (const Pairwise* pairwise : supported_pairwise()) {
    const std::string name = pairwise->instruction_set;
    set(name.c_str());
    EXPECT_EQ(&chosen_pairwise(), pairwise);
    set(name.substr(name.rfind('-') + 1).c_str());
    EXPECT_EQ(&chosen_pairwise(), pairwise);
  }
}

TEST_F(InstructionSetTest, AllLoopsAreThereForTheSameSets) {
  ASSERT_EQ(supported_column_moments().size(), supported_pairwise().size());
  for (std::size_t i = 0; i < supported_pairwise().size(); ++i) {
    set(supported_pairwise()[i]->instruction_set);
    EXPECT_EQ(&chosen_column_moments(), supported_column_moments()[i]);
    EXPECT_STREQ(chosen_column_moments().instruction_set, supported_pairwise()[i]->instruction_set);
    EXPECT_STREQ(chosen_bootstrap().instruction_set, supported_pairwise()[i]->instruction_set);
    EXPECT_STREQ(chosen_window().instruction_set, supported_pairwise()[i]->instruction_set);
    EXPECT_STREQ(chosen_binning().instruction_set, supported_pairwise()[i]->instruction_set);
    EXPECT_STREQ(chosen_grouping().instruction_set, supported_pairwise()[i]->instruction_set);
    EXPECT_STREQ(chosen_clustering().instruction_set, supported_pairwise()[i]->instruction_set);
  }
}

TEST_F(InstructionSetTest, OneThatTheCpuLacksIsRefused) {
  set("v9");
  try {
    chosen_pairwise();
    FAIL() << "no error";
  } catch (const kernel::Invalid& error) {
    EXPECT_STREQ(error.what(), "GRISTMILL_INSTRUCTION_SET is \"v9\", which this CPU cannot run");
    EXPECT_THAT(error.hint(), testing::HasSubstr("baseline"));
  }
}

TEST_F(InstructionSetTest, ThePlanNamesIt) {
  set("baseline");
  const test::PointTable places = test::random_places(3);
  const bench::PluginJob job(*gm_plugin_query(),
                             test::pairs_request("nearest", "haversine", places));
  EXPECT_STREQ(job.plan().instruction_set, "baseline");
}

}  // namespace
}  // namespace gristmill::kernels
