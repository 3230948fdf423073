#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/job.h>
#include <gristmill/result.h>

#include "tests/plugins/ordered_digest.h"

namespace gristmill::test {

// A job of the kernel digest, and the plain loop that checks it.
class DigestJob {
 public:
  // Numbers that depend on items alone. padding: elements of 16 bytes before the accumulator's
  // last.
  explicit DigestJob(std::int64_t items, std::int64_t padding = 0);

  JobSpec spec(ChunkSize chunk_size = {}) const;
  // The same, misbehaving: see the kernel.
  JobSpec spec(const std::string& at, const std::string& how, const std::string& folder = {}) const;
  const std::vector<std::int64_t>& values() const { return values_; }
  const Dataset& rows() const { return rows_; }

  // Fails the test unless the job was done, each chunk once, with the bits of the plain loop.
  void check(const Result& result) const;

 private:
  OrderedDigest expected(const JobPlan& plan) const;

  std::vector<std::int64_t> values_;
  std::int64_t padding_;
  Dataset rows_;
};

}  // namespace gristmill::test
