#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/dataset.h>
#include <gristmill/error.h>
#include <gristmill/faults.h>
#include <gristmill/job.h>

namespace gristmill {

namespace engine {
class OutputArray;
}
class ResultArrays;  // engine/result_arrays.h

// kDone: every item was computed or, if the job's FaultPolicy skips what cannot be, quarantined.
enum class Outcome { kDone, kFailed, kCancelled };

struct WorkerStats {
  int worker = 0;
  std::int64_t chunks = 0;
  std::int64_t items = 0;
  std::int64_t leases = 0;
  std::int64_t stolen_leases = 0;
  std::chrono::duration<double> first_chunk{};  // from submit to its first kernel call; 0: none
  std::chrono::duration<double> busy{};         // inside the kernel
  double busy_share = 0.0;                      // busy / the job's running time
};

// How long chunks took, all workers together, true to an eighth. A worker claims at once what it
// expects to do in some 200 us, and such chunks count for an equal share of the time they took
// together: one that is far longer than those before it is told shorter than it was.
struct ChunkTimes {
  std::chrono::duration<double> median{};
  std::chrono::duration<double> p90{};
  std::chrono::duration<double> p99{};
  std::chrono::duration<double> longest{};
};

// A line that a kernel had for the user of the job.
struct LogLine {
  int worker = 0;
  bool is_warning = false;
  std::string text;
};

struct JobSummary {
  JobPlan plan;                                 // of an emit: with the rows that there are
  std::chrono::duration<double> elapsed{};      // from submit to end
  std::chrono::duration<double> first_chunk{};  // from submit to the first kernel call; 0 if none
  std::chrono::duration<double> running{};      // from the first order to the last report
  std::int64_t items_done = 0;
  std::int64_t chunks_done = 0;
  std::vector<WorkerStats> workers;
  ChunkTimes chunk_times;
  std::int64_t mapped_bytes = 0;   // inputs and outputs, once for all workers
  std::int64_t faulted_bytes = 0;  // pages that workers mapped by faults in this job
  std::int64_t huge_bytes = 0;     // of the outputs, mapped by huge pages
  std::int64_t copied_bytes = 0;   // rows of an emit that were copied into files; else none
  // What the kernel counted, by its names for it; at most 64.
  std::map<std::string, std::int64_t> counters;
  // Of each worker the first hundred, together at most a thousand.
  std::vector<LogLine> log;
  FaultReport faults;
};

// How a job ended, and its arrays.
// Owns: a share of the output memory; views stay valid while a copy of the Result lives, and
// outlive the Engine.
class Result {
 public:
  Result(Outcome outcome, std::optional<Error> error, JobSummary summary,
         std::shared_ptr<const ResultArrays> arrays)
      : outcome_(outcome),
        error_(std::move(error)),
        summary_(std::move(summary)),
        arrays_(std::move(arrays)) {}

  Outcome outcome() const { return outcome_; }
  bool done() const { return outcome_ == Outcome::kDone; }
  // Why it failed; none unless outcome() is kFailed.
  const std::optional<Error>& error() const { return error_; }
  const JobSummary& summary() const { return summary_; }

  // An output: a view, no copy, of shared memory or of the mapped output file.
  // Errors: the job's own error if it failed; kFailed if it was cancelled; kInvalid for an unknown
  // name, and for an output of an emit that is not in a file and lies in several parts. An empty
  // name means the only output.
  ArrayView array(std::string_view name = {}) const;
  // The same in parts, which follow each other along axis 0: views, no copy. An emit leaves its
  // rows where the workers wrote them; all other outputs have one part. Errors: as array().
  std::vector<ArrayView> parts(std::string_view name = {}) const;
  // All parts in one array: a copy in sealed memory, by several threads. Errors: as array(), but
  // for parts; kResources when there is no memory for it.
  Dataset concatenated(std::string_view name = {}) const;

  // An output as an input of other jobs, no copy: the memory is shared and lives as long as the
  // dataset. It is frozen: each worker has given up the right to write to it (mprotect), which is a
  // promise of our own processes and not a seal of the kernel; Dataset::copy_of its view is sealed.
  // Errors: as array().
  Dataset dataset(std::string_view name = {}) const;

 private:
  const std::shared_ptr<engine::OutputArray>& output(std::string_view name) const;

  Outcome outcome_;
  std::optional<Error> error_;
  JobSummary summary_;
  std::shared_ptr<const ResultArrays> arrays_;
};

}  // namespace gristmill
