#include "kernels/neighbourhood.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/plugin_job.h"

namespace gristmill::kernels {
namespace {

using testing::ElementsAre;

std::vector<std::int64_t> elements_of(const WindowAxis& axis) {
  std::vector<std::int64_t> elements;
  for (std::int64_t place = 0; place < axis.output_length() + axis.size - 1; ++place) {
    elements.push_back(axis.element_at(place));
  }
  return elements;
}

TEST(WindowAxisTest, ValidEndsMakeTheOutputShorter) {
  const WindowAxis axis{5, 3, Edges::kValid};
  EXPECT_EQ(axis.output_length(), 3);
  EXPECT_THAT(elements_of(axis), ElementsAre(0, 1, 2, 3, 4));
}

TEST(WindowAxisTest, NearestEndsRepeatTheLastElement) {
  const WindowAxis axis{3, 5, Edges::kNearest};
  EXPECT_EQ(axis.output_length(), 3);
  EXPECT_THAT(elements_of(axis), ElementsAre(0, 0, 0, 1, 2, 2, 2));
}

TEST(WindowAxisTest, PeriodicEndsGoOnAtTheOther) {
  const WindowAxis axis{3, 5, Edges::kPeriodic};
  EXPECT_THAT(elements_of(axis), ElementsAre(1, 2, 0, 1, 2, 0, 1));
}

TEST(WindowAxisTest, ANeighbourhoodMayBeLongerThanItsAxis) {
  EXPECT_THAT(elements_of({2, 7, Edges::kNearest}), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1));
  EXPECT_THAT(elements_of({2, 7, Edges::kPeriodic}), ElementsAre(1, 0, 1, 0, 1, 0, 1, 0));
  EXPECT_THAT(elements_of({1, 3, Edges::kPeriodic}), ElementsAre(0, 0, 0));
}

TEST(WindowAxisTest, ConsecutivePlacesHaveElementsThatFollowEachOther) {
  for (const Edges edges : {Edges::kValid, Edges::kNearest, Edges::kPeriodic}) {
    for (const std::int64_t size : {1, 3, 7, 15}) {
      for (const std::int64_t length : {1, 2, 6, 15, 40}) {
        const WindowAxis axis{length, size, edges};
        const std::int64_t end = axis.output_length() + size - 1;
        for (std::int64_t place = 0; place < end; ++place) {
          const std::int64_t count = axis.consecutive(place, end);
          ASSERT_GE(count, 1);
          ASSERT_LE(place + count, end);
          for (std::int64_t k = 0; k < count; ++k) {
            ASSERT_EQ(axis.element_at(place + k), axis.element_at(place) + k);
            ASSERT_LT(axis.element_at(place + k), length);
          }
        }
      }
    }
  }
}

class NeighbourhoodTest : public testing::Test {
 protected:
  static Neighbourhood of(const std::vector<std::int64_t>& shape, const std::vector<double>& sizes,
                          std::string_view edges) {
    const gm_array array = bench::array_of(GM_FLOAT64, nullptr, shape);
    return {kernel::Input("grid", array), sizes, edges};
  }
  static kernel::Invalid error_of(const std::vector<std::int64_t>& shape,
                                  const std::vector<double>& sizes, std::string_view edges) {
    try {
      of(shape, sizes, edges);
    } catch (const kernel::Invalid& error) {
      return error;
    }
    ADD_FAILURE() << "it was accepted";
    return kernel::Invalid("");
  }
};

TEST_F(NeighbourhoodTest, OneNumberOrWordIsForAllAxes) {
  const Neighbourhood neighbourhood = of({10, 20}, {5}, "valid");
  EXPECT_EQ(neighbourhood.elements(), 25);
  EXPECT_THAT(neighbourhood.output_shape(), ElementsAre(6, 16));
}

TEST_F(NeighbourhoodTest, EachAxisMayHaveItsOwn) {
  const Neighbourhood neighbourhood = of({10, 20, 30}, {1, 3, 5}, "valid, periodic ,nearest");
  EXPECT_EQ(neighbourhood.elements(), 15);
  EXPECT_EQ(neighbourhood.axes()[0].edges, Edges::kValid);
  EXPECT_EQ(neighbourhood.axes()[1].edges, Edges::kPeriodic);
  EXPECT_EQ(neighbourhood.axes()[2].edges, Edges::kNearest);
  EXPECT_THAT(neighbourhood.output_shape(), ElementsAre(10, 20, 30));
}

TEST_F(NeighbourhoodTest, SizesThatAreNotOddWholeNumbersAreRefused) {
  for (const double size : {0.0, 2.0, -3.0, 2.5, 3.5, 1e300, -1e300}) {
    const auto error = error_of({10}, {size}, "nearest");
    EXPECT_THAT(error.what(),
                testing::HasSubstr("which is not an odd whole number from 1 to 4194304"));
    EXPECT_EQ(error.hint(), "An element lies in the middle of its neighbourhood.");
  }
  EXPECT_THAT(error_of({10}, {std::nan("")}, "nearest").what(),
              testing::HasSubstr("has nan, which"));
  EXPECT_STREQ(error_of({10, 10}, {3, 4}, "nearest").what(),
               "parameter \"size\" has 4, which is not an odd whole number from 1 to 4194304");
}

TEST_F(NeighbourhoodTest, OtherNumbersOfSizesAndWordsAreRefused) {
  EXPECT_STREQ(error_of({10, 10}, {3, 3, 3}, "nearest").what(),
               "parameter \"size\" has 3 numbers, input \"grid\" has 2 axes");
  EXPECT_STREQ(error_of({10}, {3, 3}, "nearest").what(),
               "parameter \"size\" has 2 numbers, input \"grid\" has 1 axis");
  const auto error = error_of({10, 10, 10}, {3}, "nearest,valid");
  EXPECT_STREQ(error.what(), "parameter \"edges\" has 2 words, input \"grid\" has 3 axes");
  EXPECT_EQ(error.hint(), "Give one for all axes, or one for each.");
  EXPECT_STREQ(error_of({10}, {}, "nearest").what(), "parameter \"size\" is empty");
}

TEST_F(NeighbourhoodTest, UnknownEdgesNameTheKnownOnes) {
  for (const char* edges : {"mirror", "valid,mirror", "mirror , valid"}) {
    const auto error = error_of({10, 10}, {3}, edges);
    EXPECT_STREQ(error.what(), "unknown edges \"mirror\"");
    EXPECT_EQ(error.hint(), "Known are \"valid\", \"nearest\", \"periodic\".");
  }
  EXPECT_STREQ(error_of({10}, {3}, "").what(), "unknown edges \"\"");
  EXPECT_STREQ(error_of({10}, {3}, "valid,").what(), "unknown edges \"\"");
}

TEST_F(NeighbourhoodTest, ValidEdgesThatLeaveNothingAreRefused) {
  const auto error = error_of({10, 4}, {5}, "valid");
  EXPECT_STREQ(error.what(),
               "axis 1 of input \"grid\" has a length of 4, less than the neighbourhood's 5");
  EXPECT_EQ(error.hint(), "With edges \"nearest\" or \"periodic\" it may be shorter.");
  EXPECT_STREQ(error_of({0}, {1}, "valid").what(),
               "axis 0 of input \"grid\" has a length of 0, less than the neighbourhood's 1");
}

TEST_F(NeighbourhoodTest, GridsOfNoOrManyAxesAreRefused) {
  EXPECT_STREQ(error_of({}, {3}, "nearest").what(), "input \"grid\" has 0 axes, not 1 to 4");
  EXPECT_STREQ(error_of({3, 3, 3, 3, 3}, {3}, "nearest").what(),
               "input \"grid\" has 5 axes, not 1 to 4");
}

TEST_F(NeighbourhoodTest, NeighbourhoodsOfTooManyElementsAreRefused) {
  EXPECT_EQ(of({10, 10}, {2047, 2047}, "nearest").elements(), 2047 * 2047);
  EXPECT_STREQ(error_of({10, 10}, {2049, 2049}, "nearest").what(),
               "parameter \"size\" makes a neighbourhood of more than 4194304 elements");
}

}  // namespace
}  // namespace gristmill::kernels
