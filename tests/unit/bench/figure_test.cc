#include "bench/figure.h"

#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

#include <gmock/gmock.h>

#include "tests/support/temporary_folder.h"

namespace gristmill::bench {
namespace {

using testing::HasSubstr;

Figure figure_of(double value, std::optional<Target> target) {
  return {.what = "a figure", .value = value, .unit = "ns", .target = target, .note = {}};
}

TEST(FigureTest, StatusComparesWithTheTarget) {
  EXPECT_EQ(status_of(figure_of(1.1, at_most(1.1)), {}), "ok");
  EXPECT_EQ(status_of(figure_of(1.2, at_most(1.1)), {}), "missed");
  EXPECT_EQ(status_of(figure_of(0.95, at_least(0.96)), {}), "missed");
  EXPECT_EQ(status_of(figure_of(0.95, {}), {}), "-");
}

TEST(FigureTest, NoisyAndSmokeAreNeverOk) {
  Figure noisy = figure_of(1, at_most(2));
  noisy.quality.noisy = true;
  EXPECT_EQ(status_of(noisy, {}), "noisy");
  EXPECT_EQ(status_of(figure_of(1, at_most(2)), {.smoke = true, .json_file = {}}), "smoke");
}

TEST(FigureTest, JsonQuotesTextsAndHasNullForWhatIsNoNumber) {
  const test::TemporaryFolder folder;
  Figure figure = figure_of(std::numeric_limits<double>::infinity(), {});
  figure.note = R"(a "note" \)";
  figure.details = {{"p99, us", 2.5}};
  const Options options{.smoke = false, .json_file = folder.path() / "figures.json"};
  write_json({figure, figure_of(2, at_most(3))}, options);
  std::ostringstream text;
  text << std::ifstream(options.json_file).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(R"("value":null)"));
  EXPECT_THAT(text.str(), HasSubstr(R"("note":"a \"note\" \\")"));
  EXPECT_THAT(text.str(), HasSubstr(R"("details":{"p99, us":2.5})"));
  EXPECT_THAT(text.str(), HasSubstr(R"("target":{"bound":"at_most","limit":3})"));
}

TEST(FigureTest, AFileThatCannotBeWrittenIsAnError) {
  const Options options{.smoke = false, .json_file = "/no such folder/figures.json"};
  EXPECT_THROW(write_json({figure_of(1, {})}, options), std::runtime_error);
}

}  // namespace
}  // namespace gristmill::bench
