#include "kernels/window_layout.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/plugin_job.h"

namespace gristmill::kernels {
namespace {

using testing::ElementsAre;

Neighbourhood neighbourhood_of(const std::vector<std::int64_t>& shape,
                               const std::vector<double>& sizes) {
  const gm_array array = bench::array_of(GM_FLOAT64, nullptr, shape);
  return {kernel::Input("grid", array), sizes, "nearest"};
}

std::int64_t places_of(const Neighbourhood& neighbourhood, const PerAxis& extent) {
  return WindowLayout(neighbourhood, {{}, extent}).size();
}

TEST(PartExtentTest, SmallOutputsAreOnePart) {
  EXPECT_EQ(part_extent(neighbourhood_of({50}, {3}), 50), (PerAxis{50}));
  EXPECT_EQ(part_extent(neighbourhood_of({10, 20}, {3, 5}), 10), (PerAxis{10, 20}));
  EXPECT_EQ(part_extent(neighbourhood_of({4, 5, 6}, {3}), 4), (PerAxis{4, 5, 6}));
  EXPECT_EQ(part_extent(neighbourhood_of({2, 3, 4, 5}, {1}), 1), (PerAxis{1, 3, 4, 5}));
}

TEST(PartExtentTest, WhatAPartSeesOfALargeGridFitsIntoACache) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{10'000'000}, {5000, 5000}, {500, 500, 500}, {90, 90, 90, 90}}) {
    for (const double size : {1.0, 3.0, 5.0, 9.0}) {
      for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{7}, shape[0]}) {
        const Neighbourhood neighbourhood = neighbourhood_of(shape, {size});
        const PerAxis extent = part_extent(neighbourhood, rows);
        EXPECT_LE(extent[0], rows);
        for (std::size_t k = 0; k < shape.size(); ++k) EXPECT_GE(extent[k], 1);
        // A part with what is around 5 x 5 x 5 x 5 is too large for that.
        if (shape.size() < 4 || size < 5) {
          EXPECT_LE(places_of(neighbourhood, extent), 3 * 16 * 1024) << shape.size() << " " << size;
        }
      }
    }
  }
}

TEST(PartExtentTest, APartIsNoSmallerThanALargeNeighbourhood) {
  const PerAxis extent = part_extent(neighbourhood_of({5000, 5000}, {1001}), 5000);
  EXPECT_EQ(extent[1], 1001);
}

TEST(WindowLayoutTest, PlacesAreRowMajorAndReachBeyondThePart) {
  const Neighbourhood neighbourhood = neighbourhood_of({10, 20, 30}, {1, 3, 5});
  const WindowLayout layout(neighbourhood, {{1, 2, 3}, {2, 4, 6}});
  EXPECT_EQ(layout.places(0), 2);
  EXPECT_EQ(layout.places(1), 6);
  EXPECT_EQ(layout.places(2), 10);
  EXPECT_EQ(layout.stride(0), 60);
  EXPECT_EQ(layout.stride(1), 10);
  EXPECT_EQ(layout.stride(2), 1);
  EXPECT_EQ(layout.size(), 120);
}

TEST(WindowLayoutTest, LinesAreVisitedInOrder) {
  const Neighbourhood neighbourhood = neighbourhood_of({10, 20, 30}, {1, 3, 5});
  const WindowLayout layout(neighbourhood, {{1, 2, 3}, {2, 2, 6}});
  std::vector<std::int64_t> places;
  std::vector<std::int64_t> indices;
  layout.for_each_line({2, 2, 6}, [&](const PerAxis& index, std::int64_t place) {
    places.push_back(place);
    indices.push_back(10 * index[0] + index[1]);
    EXPECT_EQ(index[2], 0);
  });
  EXPECT_THAT(places, ElementsAre(0, 10, 40, 50));
  EXPECT_THAT(indices, ElementsAre(0, 1, 10, 11));
  const Neighbourhood of_line = neighbourhood_of({10}, {3});
  const WindowLayout line(of_line, {{2}, {4}});
  int lines = 0;
  line.for_each_line({4}, [&](const PerAxis&, std::int64_t place) { lines += place == 0 ? 1 : 9; });
  EXPECT_EQ(lines, 1);
}

TEST(WindowLayoutTest, RunsOfTheFirstAxisAreItsRanges) {
  const Neighbourhood neighbourhood = neighbourhood_of({10, 20}, {3, 5});
  const WindowLayout layout(neighbourhood, {{}, {4, 6}});
  std::vector<std::int64_t> runs;
  layout.for_each_run(0, {1, false, 2}, {{0, 2}, {3, 4}},
                      [&](std::int64_t first, std::int64_t count) {
                        runs.push_back(first);
                        runs.push_back(count);
                      });
  EXPECT_THAT(runs, ElementsAre(0, 20, 30, 10));
}

TEST(WindowLayoutTest, RunsOfLaterAxesAreThoseOfThePart) {
  const Neighbourhood neighbourhood = neighbourhood_of({10, 20}, {3, 5});
  const WindowLayout layout(neighbourhood, {{}, {2, 6}});
  std::vector<std::int64_t> runs;
  layout.for_each_run(1, {2, false, 4}, {}, [&](std::int64_t first, std::int64_t count) {
    runs.push_back(first);
    runs.push_back(count);
  });
  EXPECT_THAT(runs, ElementsAre(0, 7, 10, 7));
}

TEST(WindowLayoutTest, WhatIsSeenLiesBehind) {
  const Neighbourhood neighbourhood = neighbourhood_of({10, 20}, {3, 3});
  const WindowLayout layout(neighbourhood, {{}, {1, 8}});
  EXPECT_THAT(layout.seen_first(), ElementsAre(0, 10, 20));
  EXPECT_THAT(layout.seen(), ElementsAre(0, 1, 2, 10, 11, 12, 20, 21, 22));
}

}  // namespace
}  // namespace gristmill::kernels
