#include "engine/nearest_name.h"

#include <gristmill/error.h>

#include <gtest/gtest.h>

#include <vector>

namespace gristmill::engine {
namespace {

const std::vector<std::string> kKernels = {"mean_distance", "nearest", "histogram"};

TEST(NearestNameTest, FindsWhatIsASlipAway) {
  for (const auto* given : {"nearst", "nearestt", "naerest", "neorest", "Nearest", "NEARST"}) {
    EXPECT_EQ(nearest_name(given, kKernels), "nearest") << given;
  }
  EXPECT_EQ(nearest_name("mean-distnce", kKernels), "mean_distance");
}

TEST(NearestNameTest, FindsNothingInWhatIsFar) {
  for (const auto* given : {"", "x", "sum", "farthest_point", "distance"}) {
    EXPECT_FALSE(nearest_name(given, kKernels)) << given;
  }
  EXPECT_FALSE(nearest_name(std::string(100'000, 'n'), kKernels));
  EXPECT_FALSE(nearest_name("nearest", {}));
}

TEST(NearestNameTest, DoesNotOfferAnotherNameOfOneLetter) {
  EXPECT_FALSE(nearest_name("x", std::vector<std::string>{"y"}));
}

TEST(NearestNameTest, TakesTheNearestOfSeveral) {
  EXPECT_EQ(nearest_name("metrix", std::vector<std::string>{"matrix2", "metric", "mean"}),
            "metric");
}

TEST(NearestNameTest, ErrorOffersTheNearName) {
  const Error error = unknown_name("kernel", "nearst", kKernels);
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "unknown kernel \"nearst\": did you mean \"nearest\"?");
  EXPECT_EQ(error.hint(), "");
}

TEST(NearestNameTest, ErrorListsTheNamesWhenNoneIsNear) {
  const Error error = unknown_name("kernel", "fft", kKernels);
  EXPECT_EQ(error.message(), "unknown kernel \"fft\"");
  EXPECT_EQ(error.hint(), "Known: mean_distance, nearest, histogram.");
  EXPECT_EQ(unknown_name("parameter", "x", {}).hint(), "There is no parameter here.");
}

TEST(NearestNameTest, ErrorIsShortAndPrintableWhateverIsAsked) {
  const std::vector<std::string> many(1000, "name");
  EXPECT_LT(unknown_name("kernel", std::string(10'000, '\n'), many).message().size(), 200U);
  EXPECT_LT(unknown_name("kernel", "zzzzzzzzz", many).hint().size(), 200U);
}

}  // namespace
}  // namespace gristmill::engine
