#pragma once

#include <cstdint>
#include <optional>

// What the items of a job are, and the geometry of tiles.
namespace gristmill::ipc {

enum class SpaceKind : std::uint32_t { kRows, kRange, kTiles, kTriangle };

// The numbers are those of gm_plan. Tiles are numbered row by row; those of a triangle are the ones
// on and above the diagonal.
struct IndexSpace {
  SpaceKind kind = SpaceKind::kRange;
  std::uint32_t input = 0;  // of kRows; else 0
  // Of tiles; else 0. In a triangle both lengths of each pair are the same.
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t tile_rows = 0;
  std::int64_t tile_columns = 0;

  bool has_tiles() const { return kind == SpaceKind::kTiles || kind == SpaceKind::kTriangle; }
};

inline constexpr std::int64_t kDefaultTileRows = 256;

// Half-open ranges.
struct Tile {
  std::int64_t row_begin = 0;
  std::int64_t row_end = 0;
  std::int64_t column_begin = 0;
  std::int64_t column_end = 0;

  friend bool operator==(const Tile&, const Tile&) = default;
};

// How many tiles there are; none if lengths are negative, a tile has none, a triangle is not
// square, or the count is beyond 2^62.
std::optional<std::int64_t> tile_count(const IndexSpace& space);

// Requires: tile_count(space) has a value, and tile is below it.
Tile tile_at(const IndexSpace& space, std::int64_t tile);

}  // namespace gristmill::ipc
