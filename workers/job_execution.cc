#include "workers/job_execution.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <gristmill/error.h>

#include "ipc/segment.h"
#include "workers/test_point.h"

namespace gristmill::workers {
namespace {

using Clock = std::chrono::steady_clock;

int fd_at(const std::vector<ipc::UniqueFd>& fds, std::uint32_t index) {
  if (index >= fds.size()) throw Error(ErrorCode::kInternal, "a job came without its descriptors");
  return fds[index].get();
}

// Counters have this worker as their only writer, so no read-modify-write is needed.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
  // relaxed: a counter guards no other memory.
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

ipc::ReadOnlyMapping map_input(const ipc::Placement& placement,
                               const std::vector<ipc::UniqueFd>& fds) {
  const int fd = fd_at(fds, placement.fd_index);
  if (placement.sealed && !ipc::is_sealed(fd)) {
    throw Error(ErrorCode::kInternal, "a dataset in memory is not sealed");
  }
  return ipc::ReadOnlyMapping(fd, placement.offset_bytes, placement.size_bytes);
}

}  // namespace

JobExecution::JobExecution(const ipc::OpenJob& job, const std::vector<ipc::UniqueFd>& fds,
                           const KernelHost& host)
    : job_(job.job),
      slot_(job.slot),
      items_(job.items),
      chunk_items_(job.chunk_items),
      ledger_key_(job.ledger_key),
      control_(fd_at(fds, 0), job.slots, job.chunks),
      cancel_(control_.stop(), job.job),
      claimer_(control_, job.slot) {
  for (std::size_t i = 0; i < job.input_placements.size(); ++i) {
    JobArray& input = inputs_.emplace_back();
    if (!job.input_placements[i]) continue;
    const auto& mapping = input_mappings_.emplace_back(map_input(*job.input_placements[i], fds));
    // Mapped read-only: a store by the kernel is a fault in this worker.
    input = {const_cast<std::byte*>(mapping.data()), *job.request.inputs.at(i)};
  }
  for (std::size_t i = 0; i < job.output_placements.size(); ++i) {
    JobArray& output = outputs_.emplace_back();
    output.spec = job.outputs.at(i);
    if (!job.output_placements[i]) continue;
    const ipc::Placement& placement = *job.output_placements[i];
    output.data = output_mappings_
                      .emplace_back(fd_at(fds, placement.fd_index), placement.offset_bytes,
                                    placement.size_bytes)
                      .data();
  }
  kernel_ = host.open(job.request, inputs_, outputs_, cancel_);
}

std::optional<ipc::JobFailed> JobExecution::run(const ipc::Order& order) {
  try {
    if (order.begin < order.end && order.end <= control_.chunks()) {
      run_lease({order.begin, order.end});
    }
    while (!cancel_.raised()) {
      const std::optional<Lease> lease = claimer_.claim();
      if (!lease) break;
      add(words().leases, 1);
      if (lease->stolen) add(words().stolen_leases, 1);
      run_lease(lease->chunks);
    }
  } catch (const Error& error) {
    // relaxed, fenced: as in run_chunk.
    const bool in_chunk = words().executing.load(std::memory_order_relaxed) != 0;
    words().executing.store(0, std::memory_order_relaxed);
    // A kernel may leave a cancelled chunk with any status.
    if (cancel_.raised()) return std::nullopt;
    return ipc::JobFailed{job_, in_chunk ? std::optional(current_chunk_) : std::nullopt,
                          error.code(), error.text()};
  }
  return std::nullopt;
}

void JobExecution::run_lease(ipc::ChunkRange lease) {
  const auto start = Clock::now();
  if (words().first_chunk_nanoseconds.load(std::memory_order_relaxed) == 0) {
    words().first_chunk_nanoseconds.store(
        static_cast<std::uint64_t>(start.time_since_epoch().count()), std::memory_order_relaxed);
  }
  std::uint32_t done = 0;
  std::int64_t items = 0;
  for (std::uint32_t chunk = lease.begin; chunk < lease.end && !cancel_.raised(); ++chunk) {
    if (run_chunk(chunk) == ChunkEnd::kSkipped) continue;
    ++done;
    items += std::min(chunk_items_, items_ - std::int64_t{chunk} * chunk_items_);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  words().executing.store(0, std::memory_order_relaxed);
  const std::chrono::nanoseconds elapsed = Clock::now() - start;
  claimer_.record(done, elapsed);
  add(words().chunks_done, done);
  add(words().items_done, static_cast<std::uint64_t>(items));
  add(words().busy_nanoseconds, static_cast<std::uint64_t>(elapsed.count()));
}

JobExecution::ChunkEnd JobExecution::run_chunk(std::uint32_t chunk) {
  const std::uint32_t tag = ipc::ledger_tag(ledger_key_, chunk);
  std::atomic<std::uint32_t>& entry = control_.ledger(chunk);
  // relaxed: whoever set it is dead or idle, which was told by a message.
  const std::uint32_t state = entry.load(std::memory_order_relaxed);
  if (state == tag || state == ipc::kConvicted) return ChunkEnd::kSkipped;
  current_chunk_ = chunk;
  GRISTMILL_TEST_POINT("before-stamp");
  // relaxed between two compiler fences: read by the coordinator after this process was reaped,
  // when all retired stores are visible; the order as compiled is all that counts.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  words().executing.store(ipc::stamp_of(job_, chunk), std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  GRISTMILL_TEST_POINT("after-stamp");
  const std::int64_t begin = std::int64_t{chunk} * chunk_items_;
  const std::int64_t end = begin + std::min(chunk_items_, items_ - begin);
  if (!kernel_->overwrites_output()) clear_rows(begin, end);
  kernel_->run(begin, end);
  // A kernel that saw the flag may have left its rows unfinished.
  if (cancel_.raised()) return ChunkEnd::kSkipped;
  GRISTMILL_TEST_POINT("before-done");
  // release, partner of the coordinator's acquire before outputs are read.
  entry.store(tag, std::memory_order_release);
  GRISTMILL_TEST_POINT("after-done");
  return ChunkEnd::kDone;
}

void JobExecution::clear_rows(std::int64_t begin, std::int64_t end) const {
  for (const JobArray& output : outputs_) {
    if (output.data == nullptr) continue;
    const std::int64_t row_bytes = *size_bytes(output.spec.dtype, output.spec.shape) / items_;
    std::memset(static_cast<std::byte*>(output.data) + begin * row_bytes, 0,
                static_cast<std::size_t>((end - begin) * row_bytes));
  }
}

}  // namespace gristmill::workers
