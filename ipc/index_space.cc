#include "ipc/index_space.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace gristmill::ipc {
namespace {

// A triangle of so many tiles a side is below 2^62 tiles.
constexpr std::int64_t kMostTilesPerSide = std::int64_t{1} << 31;

std::int64_t parts_of(std::int64_t length, std::int64_t part) {
  return length / part + (length % part != 0 ? 1 : 0);
}

// Tiles in the rows of tiles before this one, in a triangle with `side` tiles a side.
std::int64_t tiles_before(std::int64_t row, std::int64_t side) {
  return row * side - row * (row - 1) / 2;
}

// The row of tiles of a triangle that holds the tile.
std::int64_t row_of_tile(std::int64_t tile, std::int64_t side) {
  // The smaller root of tiles_before(row) = tile, corrected for rounding.
  const double edge = 2.0 * static_cast<double>(side) + 1.0;
  const double root = std::sqrt(std::max(edge * edge - 8.0 * static_cast<double>(tile), 0.0));
  auto row = std::clamp(static_cast<std::int64_t>((edge - root) / 2.0), std::int64_t{0}, side - 1);
  while (row > 0 && tiles_before(row, side) > tile) --row;
  while (row + 1 < side && tiles_before(row + 1, side) <= tile) ++row;
  return row;
}

}  // namespace

std::optional<std::int64_t> tile_count(const IndexSpace& space) {
  if (space.rows < 0 || space.columns < 0 || space.tile_rows < 1 || space.tile_columns < 1) {
    return std::nullopt;
  }
  const std::int64_t down = parts_of(space.rows, space.tile_rows);
  const std::int64_t across = parts_of(space.columns, space.tile_columns);
  if (down > kMostTilesPerSide || across > kMostTilesPerSide) return std::nullopt;
  if (space.kind != SpaceKind::kTriangle) return down * across;
  if (space.rows != space.columns || space.tile_rows != space.tile_columns) return std::nullopt;
  return tiles_before(down, down);
}

Tile tile_at(const IndexSpace& space, std::int64_t tile) {
  assert(tile >= 0 && tile < tile_count(space).value_or(0));
  const std::int64_t across = parts_of(space.columns, space.tile_columns);
  std::int64_t row = 0;
  std::int64_t column = 0;
  if (space.kind == SpaceKind::kTriangle) {
    row = row_of_tile(tile, across);
    column = row + (tile - tiles_before(row, across));
  } else {
    row = tile / across;
    column = tile % across;
  }
  return {row * space.tile_rows, std::min((row + 1) * space.tile_rows, space.rows),
          column * space.tile_columns, std::min((column + 1) * space.tile_columns, space.columns)};
}

}  // namespace gristmill::ipc
