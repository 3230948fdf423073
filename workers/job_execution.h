#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/control_segment.h"
#include "ipc/mapping.h"
#include "ipc/messages.h"
#include "ipc/unique_fd.h"
#include "workers/kernel_host.h"
#include "workers/lease_claimer.h"

namespace gristmill::workers {

// A job that is open in this worker: its mappings, its kernel, and the loop of PROTOCOL section 2
// (docs/protocol.md) that claims leases and runs their chunks.
// Owns: all mappings of the job; destroying it unmaps them.
class JobExecution {
 public:
  // Errors: what the kernel says when it is opened; kInternal or kInvalid for descriptors that do
  // not hold what the message promises.
  JobExecution(const ipc::OpenJob& job, const std::vector<ipc::UniqueFd>& fds,
               const KernelHost& host);

  // Works until no partition has a chunk left, the job was stopped, or a chunk failed.
  std::optional<ipc::JobFailed> run(const ipc::Order& order);

  std::uint32_t job() const { return job_; }

 private:
  enum class ChunkEnd { kDone, kSkipped };

  void run_lease(ipc::ChunkRange lease);
  ChunkEnd run_chunk(std::uint32_t chunk);
  void clear_rows(std::int64_t begin, std::int64_t end) const;
  ipc::SlotWords& words() const { return control_.slot(slot_); }

  std::uint32_t job_;
  std::uint32_t slot_;
  std::int64_t items_;
  std::int64_t chunk_items_;
  std::uint64_t ledger_key_;
  ipc::ControlSegment control_;
  std::vector<ipc::ReadOnlyMapping> input_mappings_;
  std::vector<ipc::WritableMapping> output_mappings_;
  std::vector<JobArray> inputs_;
  std::vector<JobArray> outputs_;
  CancelFlag cancel_;
  std::unique_ptr<OpenKernel> kernel_;
  LeaseClaimer claimer_;
  std::uint32_t current_chunk_ = 0;
};

}  // namespace gristmill::workers
