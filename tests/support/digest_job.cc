#include "tests/support/digest_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "tests/plugins/item_hash.h"
#include "tests/support/row_hash_job.h"

namespace gristmill::test {
namespace {

std::vector<std::int64_t> numbers(std::int64_t items) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < items; ++i) values.push_back(item_hash(i, {}, 77));
  return values;
}

OrderedDigest merged(const OrderedDigest* first, const OrderedDigest* last) {
  OrderedDigest into = *first;
  for (const OrderedDigest* from = first + 1; from < last; ++from) into.merge(*from);
  return into;
}

}  // namespace

DigestJob::DigestJob(std::int64_t items, std::int64_t padding)
    : values_(numbers(items)),
      padding_(padding),
      rows_(Dataset::copy_of(ArrayView(std::span<const std::int64_t>(values_), {items}))) {}

JobSpec DigestJob::spec(ChunkSize chunk_size) const {
  return {.kernel = "digest",
          .inputs = {{"rows", rows_}},
          .params = {{"padding", padding_}},
          .chunk_size = chunk_size};
}

JobSpec DigestJob::spec(const std::string& at, const std::string& how,
                        const std::string& folder) const {
  JobSpec bad = spec(ChunkSize::items(10));
  bad.params.insert({{"at", at}, {"how", how}, {"folder", folder}});
  return bad;
}

// A tree level by level, as docs/protocol.md has it.
OrderedDigest DigestJob::expected(const JobPlan& plan) const {
  std::vector<OrderedDigest> level;
  for (std::int64_t begin = 0; begin < plan.items; begin += plan.chunk_items) {
    OrderedDigest leaf;
    const std::int64_t end = std::min(begin + plan.chunk_items, plan.items);
    for (std::int64_t i = begin; i < end; ++i) leaf.add(values_[static_cast<std::size_t>(i)]);
    level.push_back(leaf);
  }
  if (level.empty()) return {};
  const auto fan_in = static_cast<std::size_t>(plan.merged_at_once);
  while (level.size() > 1) {
    std::vector<OrderedDigest> next;
    for (std::size_t i = 0; i < level.size(); i += fan_in) {
      next.push_back(merged(level.data() + i, level.data() + std::min(i + fan_in, level.size())));
    }
    level = std::move(next);
  }
  return level[0];
}

void DigestJob::check(const Result& result) const {
  ASSERT_TRUE(result.done()) << (result.error() ? result.error()->message() : "cancelled");
  check_each_chunk_once(result);
  const OrderedDigest wanted = expected(result.summary().plan);
  EXPECT_EQ(result.array("digest").shape(), Shape{});
  EXPECT_EQ(result.array("digest").as<std::uint64_t>()[0], wanted.digest);
  EXPECT_EQ(result.array("sum").shape(), (Shape{2, 1}));
  const auto sums = result.array("sum").as<double>();
  EXPECT_EQ(sums[0], 0) << "outputs are zeros at entry";
  EXPECT_EQ(std::bit_cast<std::uint64_t>(sums[1]), std::bit_cast<std::uint64_t>(wanted.sum));
}

}  // namespace gristmill::test
