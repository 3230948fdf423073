#include "engine/chunk_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include <gristmill/format.h>

namespace gristmill::engine {
namespace {

std::int64_t divide_up(std::int64_t dividend, std::int64_t divisor) {
  return dividend / divisor + (dividend % divisor != 0);
}

std::string items_each(std::int64_t count) {
  return count == 1 ? "one item each" : format_count(count) + " items each";
}

// The fewest items that are no longer small or no longer cheap.
std::int64_t worthwhile_items(std::int64_t bytes_per_item, double nanoseconds_per_item) {
  const std::int64_t by_bytes = divide_up(kSmallChunkBytes, bytes_per_item);
  const double by_time = std::ceil(kCheapChunkNanoseconds / nanoseconds_per_item);
  return by_time < static_cast<double>(by_bytes)
             ? std::max(static_cast<std::int64_t>(by_time), std::int64_t{1})
             : by_bytes;
}

std::int64_t whole_lanes(std::int64_t items) {
  return items < kLaneItems ? items : items - items % kLaneItems;
}

struct Choice {
  std::int64_t chunk_items;
  std::string rule;
};

Choice choose_by_items(const ChunkDemand& demand) {
  const std::int64_t bytes_per_item = std::max(demand.bytes_per_item, std::int64_t{1});
  const std::int64_t even = whole_lanes(std::max(demand.items / kMinAutoChunks, std::int64_t{1}));
  if (demand.nanoseconds_per_item > 0) {
    const std::int64_t worthwhile =
        std::min(worthwhile_items(bytes_per_item, demand.nanoseconds_per_item), demand.items);
    if (worthwhile > even) {
      return {worthwhile, fmt::format("auto: {}, so that a chunk has {} or takes {:.0f} us",
                                      items_each(worthwhile), format_size(kSmallChunkBytes),
                                      kCheapChunkNanoseconds / 1000)};
    }
  }
  const std::int64_t fewest = std::max(divide_up(demand.items, kMaxAutoChunks), std::int64_t{1});
  const std::int64_t fitting = std::max(kLargeChunkBytes / bytes_per_item, std::int64_t{1});
  if (std::max(fitting, fewest) < even) {
    const std::int64_t chosen = std::max(fitting, fewest);
    return {chosen, fitting >= fewest
                        ? fmt::format("auto: {}, so that a chunk has at most {}",
                                      items_each(chosen), format_size(kLargeChunkBytes))
                        : fmt::format("auto: at most {} chunks; {}", format_count(kMaxAutoChunks),
                                      items_each(chosen))};
  }
  if (demand.items < kMinAutoChunks) return {even, "auto: one item each"};
  return {even, fmt::format("auto: at least {} chunks; {}", format_count(kMinAutoChunks),
                            items_each(even))};
}

Choice choose_automatically(const ChunkDemand& demand) {
  Choice choice = choose_by_items(demand);
  const std::int64_t fewest = divide_up(demand.items, demand.most_chunks);
  if (fewest <= choice.chunk_items) return choice;
  return {fewest,
          fmt::format("auto: at most {} chunks, for the memory of their partial results; {}",
                      format_count(demand.most_chunks), items_each(fewest))};
}

Choice choose_as_asked(const ChunkDemand& demand, ChunkSize size) {
  if (size.count() < 1) {
    throw Error(ErrorCode::kInvalid,
                fmt::format("invalid chunk size {}: it must be at least 1", size.count()));
  }
  std::string rule = "as asked: ";
  std::int64_t wanted = size.count();
  if (size.unit() == ChunkSize::Unit::kBytes) {
    const std::int64_t bytes_per_item = std::max(demand.bytes_per_item, std::int64_t{1});
    wanted = std::max(size.count() / bytes_per_item, std::int64_t{1});
    rule +=
        fmt::format("{} at {} per item; ", format_size(size.count()), format_size(bytes_per_item));
  }
  rule += items_each(wanted);
  if (wanted > demand.items) rule += fmt::format("; there are only {}", format_count(demand.items));
  return {std::min(wanted, demand.items), std::move(rule)};
}

void require_few_enough(std::int64_t chunks, const ChunkDemand& demand) {
  if (chunks <= kMaxChunks) return;
  throw Error(
      ErrorCode::kInvalid,
      {fmt::format("the chunk size cuts {} items into {} chunks: at most {} are possible",
                   format_count(demand.items), format_count(chunks), format_count(kMaxChunks)),
       {},
       fmt::format("Ask for chunks of at least {} items, or for auto.",
                   divide_up(demand.items, kMaxChunks))});
}

}  // namespace

ItemRange ChunkPlan::range_of(std::int64_t chunk) const {
  assert(chunk >= 0 && chunk < chunks);
  const std::int64_t begin = chunk * chunk_items;
  return {begin, begin + std::min(chunk_items, items - begin)};
}

ChunkPlan plan_chunks(const ChunkDemand& demand, ChunkSize size) {
  assert(demand.items >= 0 && demand.bytes_per_item >= 0);
  Choice choice = size.unit() == ChunkSize::Unit::kAuto ? choose_automatically(demand)
                                                        : choose_as_asked(demand, size);
  if (demand.items == 0) return {0, 0, 0, "no items"};
  const std::int64_t chunks = divide_up(demand.items, choice.chunk_items);
  require_few_enough(chunks, demand);
  return {demand.items, choice.chunk_items, chunks, std::move(choice.rule)};
}

}  // namespace gristmill::engine
