#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/control_segment.h"
#include "ipc/messages.h"
#include "ipc/unique_fd.h"
#include "workers/emitted_rows.h"
#include "workers/kernel_host.h"
#include "workers/lease_claimer.h"
#include "workers/memory_cache.h"
#include "workers/memory_watch.h"
#include "workers/output_filler.h"
#include "workers/partials.h"
#include "workers/row_gatherer.h"

namespace gristmill::workers {

// What is told of a job while an order is worked on.
struct JobReports {
  std::function<void(std::uint32_t level, std::string text)> log;  // the kernel's lines
  std::function<void(ipc::JobFailed)> chunk_failed;  // in a job that skips such chunks
};

// A job that is open in this worker: its arrays, its kernel, and the loop of docs/protocol.md that
// claims leases and runs their chunks.
// Lifetime: the memory cache and watch outlive it.
class JobExecution {
 public:
  // Errors: what the kernel says when it is opened; kInternal or kInvalid for descriptors that do
  // not hold what the message promises.
  JobExecution(const ipc::OpenJob& job, std::vector<ipc::UniqueFd> fds, const KernelHost& host,
               MemoryCache& memory, MemoryWatch& memory_watch, JobReports reports);

  // What the memory of this job cost so far.
  ipc::JobClosed costs() const;

  // Does what the order says. Work ends when no partition has a chunk left, the job was stopped, a
  // chunk failed, or memory is short.
  std::optional<ipc::JobFailed> run(const ipc::Order& order);

  // Whether this worker has so much memory of its own that it wants to be replaced.
  bool retires();

  std::uint32_t job() const { return job_; }

 private:
  enum class ChunkEnd { kDone, kSkipped };

  // An array whose rows are the job's items: its pages are prepared chunk by chunk.
  struct ArrayOfItems {
    MappedMemory* memory;
    std::int64_t array_offset;
    std::int64_t row_bytes;
  };

  void map_inputs(const ipc::OpenJob& job);
  void map_outputs(const ipc::OpenJob& job);
  void map_results(const ipc::OpenJob& job);
  void add_array(std::vector<JobArray>& arrays, MappedMemory& memory,
                 const ipc::Placement& placement, const ipc::ArraySpec& spec);

  void work(const ipc::Order& order);
  void probe(const ipc::Order& order);
  void fill(const ipc::Order& order);
  ipc::JobFailed failure_of(const Error& error);
  bool run_lease(ipc::ChunkRange lease);
  void count_times(std::uint32_t chunks, std::chrono::nanoseconds elapsed);
  ChunkEnd run_or_report(std::uint32_t chunk);
  void stamp(std::uint32_t chunk);
  void run_kernel(std::int64_t begin, std::int64_t end, void* accumulator);
  ChunkEnd run_chunk(std::uint32_t chunk);
  void run_items(std::uint32_t chunk);
  void run_tile(std::int64_t item, void* accumulator);
  void run_merge(std::uint32_t chunk);
  void run_gather(std::uint32_t chunk);
  // A merge, or the copying of a chunk's rows.
  bool is_follow_up(std::uint32_t chunk) const { return chunk >= chunks_; }
  std::int64_t items_of(std::uint32_t chunk) const;
  void prepare_pages();
  void prepare_rows(std::int64_t begin, std::int64_t end);
  ipc::SlotWords& words() const { return control_.slot(slot_); }

  std::uint32_t job_;
  std::uint32_t slot_;
  std::uint32_t life_;
  bool skips_failed_;
  std::optional<double> fill_;
  std::uint32_t chunks_;  // of items
  std::int64_t items_;
  std::int64_t chunk_items_;
  ipc::IndexSpace space_;
  bool overwrites_output_;
  // The length of axis 0 of arrays that have a row for each item, or tile's row.
  std::int64_t rows_;
  std::uint64_t ledger_key_;
  const std::vector<ipc::UniqueFd> fds_;
  MemoryCache& memory_;
  MemoryWatch& memory_watch_;
  JobReports reports_;
  ipc::ControlSegment control_;
  std::vector<ipc::ArraySpec> output_specs_;
  std::vector<JobArray> inputs_;
  std::vector<JobArray> outputs_;
  std::vector<ArrayOfItems> item_arrays_;
  std::vector<MappedMemory*> output_memories_;
  std::optional<Partials> partials_;
  std::optional<ipc::Emit> emit_;
  std::optional<EmittedRows> emitted_;
  std::optional<RowGatherer> gatherer_;
  OutputFiller on_entry_;  // what kernels find in their outputs
  std::int64_t faults_before_;
  CancelFlag cancel_;
  std::unique_ptr<OpenKernel> kernel_;
  LeaseClaimer claimer_;
  ipc::ChunkRange lease_;
  bool lease_prepared_ = false;
  bool chunk_failed_ = false;  // of this lease, and its worker goes on
  std::uint32_t current_chunk_ = 0;
};

}  // namespace gristmill::workers
