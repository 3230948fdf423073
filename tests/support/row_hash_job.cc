#include "tests/support/row_hash_job.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/plugins/item_hash.h"

namespace gristmill::test {
namespace {

std::vector<std::int64_t> random_values(std::int64_t count, std::int64_t seed) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(item_hash(i, {}, ~seed));
  return values;
}

template <class T>
bool same_bits(std::span<const T> a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (b.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace

std::filesystem::path test_plugin(std::string_view name) {
  return std::filesystem::path(GRISTMILL_BIN_DIR) / (std::string(name) + ".so");
}

RowHashJob::RowHashJob(std::int64_t items, std::int64_t columns, std::int64_t seed)
    : values_(random_values(items * columns, seed)),
      items_(items),
      columns_(columns),
      seed_(seed),
      rows_(Dataset::copy_of(ArrayView(std::span<const std::int64_t>(values_), {items, columns}))) {
}

JobSpec RowHashJob::spec(ChunkSize chunk_size) const {
  return {.kernel = "hash_rows",
          .inputs = {{"rows", rows_}},
          .params = {{"seed", seed_}},
          .chunk_size = chunk_size};
}

void RowHashJob::check(const Result& result) const {
  ASSERT_TRUE(result.done()) << (result.error() ? result.error()->message() : "cancelled");
  check_each_chunk_once(result);
  check_hashes(result.array("hash"));
  std::vector<double> expected;
  for (std::int64_t item = 0; item < items_; ++item) {
    const auto row = std::span(values_).subspan(static_cast<std::size_t>(item * columns_),
                                                static_cast<std::size_t>(columns_));
    expected.push_back(item_value(item_hash(item, row, seed_)));
    expected.push_back(static_cast<double>(item) / 3);
  }
  EXPECT_EQ(result.array("value").shape(), (Shape{items_, 2}));
  EXPECT_TRUE(same_bits(result.array("value").as<double>(), expected));
}

void RowHashJob::check_hashes(const ArrayView& hashes) const {
  std::vector<std::int64_t> expected;
  for (std::int64_t item = 0; item < items_; ++item) {
    const auto row = std::span(values_).subspan(static_cast<std::size_t>(item * columns_),
                                                static_cast<std::size_t>(columns_));
    expected.push_back(item_hash(item, row, seed_));
  }
  EXPECT_EQ(hashes.shape(), (Shape{items_}));
  EXPECT_TRUE(same_bits(hashes.as<std::int64_t>(), expected));
}

void check_each_chunk_once(const Result& result) {
  const JobSummary& summary = result.summary();
  EXPECT_EQ(summary.chunks_done, summary.plan.chunks);
  EXPECT_EQ(summary.items_done, summary.plan.items);
  std::int64_t chunks = 0;
  std::int64_t items = 0;
  for (const WorkerStats& worker : summary.workers) {
    chunks += worker.chunks;
    items += worker.items;
    EXPECT_LE(worker.stolen_leases, worker.leases);
  }
  // A worker that dies has not counted its last lease.
  if (summary.faults.attempt_count == 0) {
    EXPECT_EQ(chunks, summary.plan.chunks);
    EXPECT_EQ(items, summary.plan.items);
  }
  // Rows of an emit are copied into files.
  if (summary.plan.pattern != Pattern::kEmit) {
    EXPECT_EQ(summary.copied_bytes, 0);
  }
}

}  // namespace gristmill::test
