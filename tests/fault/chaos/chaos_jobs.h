#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/engine.h>

#include "tests/support/temporary_folder.h"

namespace gristmill::chaos {

// How large the jobs of a storm are.
struct JobSize {
  std::int64_t items = 4000;
  std::int64_t chunk_items = 10;
  std::int64_t work_ns = 100'000;  // of each chunk
};

// The engine of a storm, with the plug-in of tests/plugins/chaos_kernels.cc.
std::unique_ptr<Engine> engine_of(int workers, const std::string& worker_program = {},
                                  std::int64_t worker_memory_bytes = 0);
// The one with the points where it can be killed.
std::string worker_with_test_points();

// All bytes of all outputs, in the order of the plan.
std::vector<std::byte> bytes_of(const Result& result);

// A job, and the bytes that it gave when nothing disturbed it and one worker ran it.
struct ChaosJob {
  std::string name;
  JobSpec spec;
  std::vector<std::byte> expected;

  bool is_equal(const Result& result) const;
  // Of a done one that is not equal, in words.
  std::string difference(const Result& result) const;
};

JobSpec map_spec(const JobSize& size);

// A map, a reduce whose merge is exact, one whose merge is not, an emit, and an emit into a file.
class ChaosJobs {
 public:
  explicit ChaosJobs(const JobSize& size);
  // Also a map of which a part cannot be computed and is looked for.
  void add_bisected(const JobSize& size);

  const std::vector<ChaosJob>& all() const { return jobs_; }
  const ChaosJob& at(std::size_t index) const { return jobs_[index % jobs_.size()]; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  void add(std::string name, JobSpec spec);

  test::TemporaryFolder folder_;
  std::vector<ChaosJob> jobs_;
};

}  // namespace gristmill::chaos
