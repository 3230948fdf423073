#include <gtest/gtest.h>

#include "tests/fault/chaos/storm.h"

namespace gristmill::chaos {
namespace {

// The storms of scripts/chaos in short.
class StormTest : public testing::TestWithParam<const char*> {};

TEST_P(StormTest, EndsWithAllNumbersAsTheyShouldBe) {
  for (const Storm& storm : storms()) {
    if (std::string(storm.name) != GetParam()) continue;
    // Programs that are started anew each time are slow under a sanitizer.
    const bool of_programs = std::string(storm.name) == "leftovers";
    const StormReport report = run_storm(storm, {.seed = 1, .count = of_programs ? 5 : 0});
    EXPECT_TRUE(report.met_apart_from_times()) << report.json();
  }
}

INSTANTIATE_TEST_SUITE_P(Fault, StormTest,
                         testing::Values("kills", "points", "guilty", "leftovers"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace gristmill::chaos
