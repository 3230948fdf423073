#include "ipc/index_space.h"

#include <gtest/gtest.h>

#include <vector>

namespace gristmill::ipc {
namespace {

IndexSpace tiles(std::int64_t rows, std::int64_t columns, std::int64_t tile_rows,
                 std::int64_t tile_columns) {
  return {SpaceKind::kTiles, 0, rows, columns, tile_rows, tile_columns};
}
IndexSpace triangle(std::int64_t rows, std::int64_t tile_rows) {
  return {SpaceKind::kTriangle, 0, rows, rows, tile_rows, tile_rows};
}

TEST(IndexSpaceTest, TilesCoverEachPairOnce) {
  const IndexSpace space = tiles(10, 7, 4, 3);
  std::vector<int> seen(70);
  for (std::int64_t tile = 0; tile < tile_count(space).value(); ++tile) {
    const Tile at = tile_at(space, tile);
    for (std::int64_t i = at.row_begin; i < at.row_end; ++i) {
      for (std::int64_t j = at.column_begin; j < at.column_end; ++j) {
        ++seen[static_cast<std::size_t>(i * 7 + j)];
      }
    }
  }
  EXPECT_EQ(seen, std::vector<int>(70, 1));
}

TEST(IndexSpaceTest, ATriangleCoversEachPairOnceByTilesAndTheirMirrorImages) {
  for (const std::int64_t rows : {1, 4, 5, 8, 13, 40}) {
    const IndexSpace space = triangle(rows, 4);
    std::vector<int> seen(static_cast<std::size_t>(rows * rows));
    for (std::int64_t tile = 0; tile < tile_count(space).value(); ++tile) {
      const Tile at = tile_at(space, tile);
      ASSERT_LE(at.row_begin, at.column_begin);
      const bool diagonal = at.row_begin == at.column_begin;
      for (std::int64_t i = at.row_begin; i < at.row_end; ++i) {
        for (std::int64_t j = at.column_begin; j < at.column_end; ++j) {
          ++seen[static_cast<std::size_t>(i * rows + j)];
          if (!diagonal) ++seen[static_cast<std::size_t>(j * rows + i)];
        }
      }
    }
    EXPECT_EQ(seen, std::vector<int>(static_cast<std::size_t>(rows * rows), 1)) << rows;
  }
}

TEST(IndexSpaceTest, TilesOfATriangleFollowEachOtherRowByRow) {
  const IndexSpace space = triangle(100'003, 16);
  const std::int64_t count = tile_count(space).value();
  EXPECT_EQ(count, 6251 * 6252 / 2);
  Tile before = tile_at(space, 0);
  EXPECT_EQ(before, (Tile{0, 16, 0, 16}));
  for (std::int64_t tile = 1; tile < count; ++tile) {
    const Tile at = tile_at(space, tile);
    const bool next_row = before.column_end == 100'003;
    ASSERT_EQ(at.row_begin, next_row ? before.row_end : before.row_begin) << tile;
    ASSERT_EQ(at.column_begin, next_row ? at.row_begin : before.column_end) << tile;
    before = at;
  }
  EXPECT_EQ(before.row_end, 100'003);
}

TEST(IndexSpaceTest, TheLastTileOfTheLargestTriangleIsFound) {
  const IndexSpace space = triangle(std::int64_t{1} << 31, 1);
  const std::int64_t last = tile_count(space).value() - 1;
  const std::int64_t end = std::int64_t{1} << 31;
  EXPECT_EQ(tile_at(space, last), (Tile{end - 1, end, end - 1, end}));
  EXPECT_EQ(tile_at(space, end - 1), (Tile{0, 1, end - 1, end}));
  EXPECT_EQ(tile_at(space, end), (Tile{1, 2, 1, 2}));
}

TEST(IndexSpaceTest, NoRowsAreNoTiles) {
  EXPECT_EQ(tile_count(tiles(0, 7, 4, 3)), 0);
  EXPECT_EQ(tile_count(tiles(7, 0, 4, 3)), 0);
  EXPECT_EQ(tile_count(triangle(0, 4)), 0);
}

TEST(IndexSpaceTest, TilesThatThereCannotBeAreNone) {
  EXPECT_FALSE(tile_count(tiles(-1, 7, 4, 3)));
  EXPECT_FALSE(tile_count(tiles(7, -1, 4, 3)));
  EXPECT_FALSE(tile_count(tiles(7, 7, 0, 3)));
  EXPECT_FALSE(tile_count(tiles(7, 7, 4, -3)));
  EXPECT_FALSE(tile_count(tiles(INT64_MAX, INT64_MAX, 256, 256)));
  IndexSpace slanted = triangle(10, 4);
  slanted.columns = 11;
  EXPECT_FALSE(tile_count(slanted));
  slanted = triangle(10, 4);
  slanted.tile_columns = 5;
  EXPECT_FALSE(tile_count(slanted));
}

}  // namespace
}  // namespace gristmill::ipc
