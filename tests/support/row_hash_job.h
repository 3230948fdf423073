#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/job.h>
#include <gristmill/result.h>

namespace gristmill::test {

// A plug-in of tests/plugins, by the name of its target.
std::filesystem::path test_plugin(std::string_view name);

// A job of the kernel hash_rows, and the plain loop that checks it.
class RowHashJob {
 public:
  // Rows that depend on items and seed alone.
  RowHashJob(std::int64_t items, std::int64_t columns, std::int64_t seed);

  JobSpec spec(ChunkSize chunk_size = {}) const;
  const Dataset& rows() const { return rows_; }

  // Fails the test unless the job was done, each chunk once, with the bits of the plain loop.
  void check(const Result& result) const;
  // The same for an array of its output "hash" alone.
  void check_hashes(const ArrayView& hashes) const;

 private:
  std::vector<std::int64_t> values_;
  std::int64_t items_;
  std::int64_t columns_;
  std::int64_t seed_;
  Dataset rows_;
};

// Fails the test unless the workers together have run each chunk of the plan once.
void check_each_chunk_once(const Result& result);

}  // namespace gristmill::test
