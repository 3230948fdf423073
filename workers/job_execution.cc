#include "workers/job_execution.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include <gristmill/error.h>
#include <gristmill/kernel.h>

#include "ipc/test_point.h"

namespace gristmill::workers {
namespace {

using Clock = std::chrono::steady_clock;

// A kernel that says that it overwrites its outputs finds there whatever was left, in builds with
// asserts bytes that show what it leaves out.
constexpr std::byte kStale{0xA5};
#ifdef NDEBUG
constexpr bool kFillsOverwritten = false;
#else
constexpr bool kFillsOverwritten = true;
#endif

int fd_at(const std::vector<ipc::UniqueFd>& fds, std::uint32_t index) {
  if (index >= fds.size()) throw Error(ErrorCode::kInternal, "a job came without its descriptors");
  return fds[index].get();
}

// Counters have this worker as their only writer, so no read-modify-write is needed.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
  // relaxed: a counter guards no other memory.
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// Of this thread alone: with EngineOptions::in_process the process has other workers.
std::int64_t faults_so_far() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

ipc::ControlSegment open_control(const ipc::OpenJob& job, const std::vector<ipc::UniqueFd>& fds,
                                 MemoryCache& memory) {
  const int fd = fd_at(fds, job.control.fd_index);
  MappedMemory& mapped = memory.map(fd, job.control, ipc::Access::kWrite);
  mapped.pages().prepare(0, mapped.size_bytes());
  const std::span words(mapped.data(), static_cast<std::size_t>(mapped.size_bytes()));
  if (job.emit) {
    const bool gathers = std::any_of(job.emit->files.begin(), job.emit->files.end(),
                                     [](const auto& file) { return file.has_value(); });
    return {words, job.slots, job.chunks * (gathers ? 2 : 1), job.chunks};
  }
  const std::uint32_t merges =
      job.partials ? ipc::MergeTree(job.partials->leaves, job.partials->fan_in).merges() : 0;
  const bool exact = job.partials && job.partials->exact;
  return {words, job.slots, job.chunks + merges, exact ? job.chunks : 0};
}

std::int64_t rows_of(const ipc::OpenJob& job) {
  return job.space.has_tiles() ? job.space.rows : job.items;
}

// Nobody may write outside of the arrays because of a message that contradicts itself.
void require_consistent(const ipc::OpenJob& job) {
  if (!job.space.has_tiles()) return;
  if (ipc::tile_count(job.space) != job.items) {
    throw Error(ErrorCode::kInternal, "a job came with other tiles than items");
  }
}

}  // namespace

JobExecution::JobExecution(const ipc::OpenJob& job, std::vector<ipc::UniqueFd> fds,
                           const KernelHost& host, MemoryCache& memory, MemoryWatch& memory_watch,
                           JobReports reports)
    : job_(job.job),
      slot_(job.slot),
      life_(job.life),
      skips_failed_(job.skips_failed),
      fill_(job.fill),
      chunks_(job.chunks),
      items_(job.items),
      chunk_items_(job.chunk_items),
      space_(job.space),
      overwrites_output_((job.flags & GM_OVERWRITES_OUTPUT) != 0),
      rows_(rows_of(job)),
      ledger_key_(job.ledger_key),
      fds_(std::move(fds)),
      memory_(memory),
      memory_watch_(memory_watch),
      reports_(std::move(reports)),
      control_(open_control(job, fds_, memory)),
      output_specs_(job.outputs),
      faults_before_(faults_so_far()),
      cancel_(control_.stop(), job.job),
      claimer_(control_, job.slot) {
  require_consistent(job);
  GRISTMILL_TEST_POINT("before-inputs");
  map_inputs(job);
  GRISTMILL_TEST_POINT("before-outputs");
  map_outputs(job);
  GRISTMILL_TEST_POINT("before-results");
  map_results(job);
  GRISTMILL_TEST_POINT("before-open-kernel");
  const JobServices services{cancel_, reports_.log, emitted_ ? &*emitted_ : nullptr};
  kernel_ = host.open(job.request, inputs_, outputs_,
                      job.partials ? job.partials->accumulator_bytes : 0, services);
  if (!overwrites_output_ || kFillsOverwritten) {
    on_entry_ =
        OutputFiller::of_byte(outputs_, space_, rows_, overwrites_output_ ? kStale : std::byte{0});
  }
}

void JobExecution::map_inputs(const ipc::OpenJob& job) {
  for (std::size_t i = 0; i < job.input_placements.size(); ++i) {
    const auto& placement = job.input_placements[i];
    if (!placement) {
      inputs_.emplace_back();
      continue;
    }
    MappedMemory& mapped =
        memory_.map(fd_at(fds_, placement->fd_index), *placement, ipc::Access::kRead);
    add_array(inputs_, mapped, *placement, *job.request.inputs.at(i));
  }
}

void JobExecution::map_outputs(const ipc::OpenJob& job) {
  for (std::size_t i = 0; i < job.output_placements.size(); ++i) {
    const auto& placement = job.output_placements[i];
    if (!placement) {
      outputs_.push_back({nullptr, job.outputs.at(i)});
      continue;
    }
    MappedMemory& mapped =
        memory_.map(fd_at(fds_, placement->fd_index), *placement, ipc::Access::kWrite);
    // Small outputs share one.
    if (std::find(output_memories_.begin(), output_memories_.end(), &mapped) ==
        output_memories_.end()) {
      output_memories_.push_back(&mapped);
    }
    add_array(outputs_, mapped, *placement, job.outputs.at(i));
  }
}

// What is written elsewhere first: partials of a reduce, rows of an emit.
void JobExecution::map_results(const ipc::OpenJob& job) {
  if (job.partials) {
    const ipc::Placement& placement = job.partials->placement;
    MappedMemory& mapped =
        memory_.map(fd_at(fds_, placement.fd_index), placement, ipc::Access::kWrite);
    partials_.emplace(*job.partials, mapped, control_, slot_, chunks_, life_);
  }
  if (job.emit) {
    emit_ = job.emit;
    const ipc::Placement& placement = emit_->placement;
    MappedMemory& mapped =
        memory_.map(fd_at(fds_, placement.fd_index), placement, ipc::Access::kWrite);
    output_memories_.push_back(&mapped);
    emitted_.emplace(*emit_, job.outputs, job.request.outputs_wanted, mapped, control_);
  }
}

void JobExecution::add_array(std::vector<JobArray>& arrays, MappedMemory& memory,
                             const ipc::Placement& placement, const ipc::ArraySpec& spec) {
  const std::optional<std::int64_t> array_bytes = size_bytes(spec.dtype, spec.shape);
  if (!array_bytes || placement.array_offset < 0 || *array_bytes > memory.size_bytes() ||
      placement.array_offset > memory.size_bytes() - *array_bytes) {
    throw Error(ErrorCode::kInternal, "an array lies outside of its memory");
  }
  // An array without elements is there nevertheless: no data would mean that nobody wants it.
  alignas(64) static std::byte nothing;
  arrays.push_back({*array_bytes == 0 ? &nothing : memory.data() + placement.array_offset, spec});
  if (!spec.shape.empty() && spec.shape[0] == rows_ && rows_ > 0) {
    item_arrays_.push_back({&memory, placement.array_offset, *array_bytes / rows_});
  }
}

ipc::JobClosed JobExecution::costs() const {
  ipc::JobClosed closed{job_, 0, 0, kernel_->counters()};
  const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);
  closed.faulted_bytes = (faults_so_far() - faults_before_) * page_bytes;
  for (MappedMemory* memory : output_memories_) {
    closed.huge_bytes += memory->huge_bytes();
  }
  return closed;
}

std::optional<ipc::JobFailed> JobExecution::run(const ipc::Order& order) {
  try {
    switch (order.kind) {
      case ipc::OrderKind::kWork:
        work(order);
        break;
      case ipc::OrderKind::kProbe:
        probe(order);
        break;
      case ipc::OrderKind::kFill:
        fill(order);
        break;
    }
  } catch (const Error& error) {
    const ipc::JobFailed failure = failure_of(error);
    // Shared words are damaged, by whomever: this worker ends, and the coordinator deals again.
    if (error.code() == ErrorCode::kInternal && !failure.chunk) throw;
    // A kernel may leave a cancelled chunk with any status.
    if (cancel_.raised()) return std::nullopt;
    return failure;
  }
  return std::nullopt;
}

void JobExecution::work(const ipc::Order& order) {
  if (order.begin < order.end && order.end <= control_.chunks()) {
    run_lease({order.begin, order.end});
  }
  while (!cancel_.raised()) {
    const std::optional<Lease> lease = claimer_.claim();
    if (!lease) {
      GRISTMILL_TEST_POINT("nothing-left");
      break;
    }
    add(words().leases, 1);
    if (lease->stolen) add(words().stolen_leases, 1);
    const bool got_on = run_lease(lease->chunks);
    // Each life gets on with the job, however little memory it has.
    if (got_on && retires()) break;
  }
}

// The accumulator of an exact merge would be lost with its worker, and all chunks that are in it.
bool JobExecution::retires() {
  return !(partials_ && partials_->exact()) && memory_watch_.is_nearly_full();
}

// The worker leaves the chunk that it was in.
ipc::JobFailed JobExecution::failure_of(const Error& error) {
  // relaxed, fenced: as in stamp.
  const bool in_chunk = words().executing.load(std::memory_order_relaxed) != 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  words().executing.store(0, std::memory_order_relaxed);
  return {job_, in_chunk ? std::optional(current_chunk_) : std::nullopt, error.code(),
          error.text()};
}

void JobExecution::probe(const ipc::Order& order) {
  if (order.begin >= chunks_ || order.item_begin < 0 || order.item_begin >= order.item_end ||
      order.item_end > items_ || partials_ || emitted_) {
    throw Error(ErrorCode::kInternal, "a probe came for items that there are not");
  }
  stamp(order.begin);
  GRISTMILL_TEST_POINT("before-probe");
  run_kernel(order.item_begin, order.item_end, nullptr);
  GRISTMILL_TEST_POINT("after-probe");
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // relaxed: as in stamp.
  words().executing.store(0, std::memory_order_relaxed);
}

void JobExecution::fill(const ipc::Order& order) {
  GRISTMILL_TEST_POINT("before-fill");
  if (partials_) {
    for (std::uint32_t chunk = order.begin; chunk < std::min(order.end, chunks_); ++chunk) {
      partials_->clear(chunk);
    }
    return;
  }
  if (emitted_ || order.item_begin < 0 || order.item_end > items_) return;
  const OutputFiller filler = OutputFiller::of_number(outputs_, space_, rows_, fill_);
  if (!space_.has_tiles()) return filler.fill_rows(order.item_begin, order.item_end);
  for (std::int64_t item = order.item_begin; item < order.item_end; ++item) {
    filler.fill_tile(ipc::tile_at(space_, item));
  }
}

// True if any of its chunks was still to be done, and is done or has failed.
bool JobExecution::run_lease(ipc::ChunkRange lease) {
  const auto start = Clock::now();
  if (words().first_chunk_nanoseconds.load(std::memory_order_relaxed) == 0) {
    words().first_chunk_nanoseconds.store(
        static_cast<std::uint64_t>(start.time_since_epoch().count()), std::memory_order_relaxed);
  }
  lease_ = lease;
  lease_prepared_ = false;
  chunk_failed_ = false;
  std::uint32_t done = 0;
  std::uint32_t follow_ups = 0;
  std::int64_t items = 0;
  for (std::uint32_t chunk = lease.begin; chunk < lease.end && !cancel_.raised(); ++chunk) {
    if (run_or_report(chunk) == ChunkEnd::kSkipped) continue;
    if (is_follow_up(chunk)) {
      ++follow_ups;
    } else {
      ++done;
      items += items_of(chunk);
    }
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  words().executing.store(0, std::memory_order_relaxed);
  GRISTMILL_TEST_POINT("before-counters");
  const std::chrono::nanoseconds elapsed = Clock::now() - start;
  claimer_.record(done + follow_ups, elapsed);
  add(words().chunks_done, done);
  add(words().follow_ups_done, follow_ups);
  add(words().items_done, static_cast<std::uint64_t>(items));
  add(words().busy_nanoseconds, static_cast<std::uint64_t>(elapsed.count()));
  if (done > 0 && follow_ups == 0) count_times(done, elapsed);
  GRISTMILL_TEST_POINT("after-counters");
  return chunk_failed_ || done + follow_ups > 0;
}

// Each of a lease's chunks counts for its share of the time.
void JobExecution::count_times(std::uint32_t chunks, std::chrono::nanoseconds elapsed) {
  const auto each = static_cast<std::uint64_t>(elapsed.count()) / chunks;
  std::atomic<std::uint32_t>& bucket = words().chunk_times[ipc::time_bucket(each)];
  // relaxed: as in add.
  bucket.store(bucket.load(std::memory_order_relaxed) + chunks, std::memory_order_relaxed);
}

inline JobExecution::ChunkEnd JobExecution::run_or_report(std::uint32_t chunk) {
  if (!skips_failed_ || is_follow_up(chunk)) return run_chunk(chunk);
  try {
    return run_chunk(chunk);
  } catch (const Error& error) {
    ipc::JobFailed failure = failure_of(error);
    if (cancel_.raised()) return ChunkEnd::kSkipped;
    if (partials_) partials_->abandon();
    reports_.chunk_failed(std::move(failure));
    chunk_failed_ = true;
    return ChunkEnd::kSkipped;
  }
}

inline void JobExecution::stamp(std::uint32_t chunk) {
  current_chunk_ = chunk;
  GRISTMILL_TEST_POINT("before-stamp");
  // relaxed between two compiler fences: read by the coordinator after this process was reaped,
  // when all retired stores are visible; the order as compiled is all that counts.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  words().executing.store(ipc::stamp_of(job_, chunk), std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  GRISTMILL_TEST_POINT("after-stamp");
}

inline JobExecution::ChunkEnd JobExecution::run_chunk(std::uint32_t chunk) {
  const std::uint32_t tag = ipc::ledger_tag(ledger_key_, chunk);
  std::atomic<std::uint32_t>& entry = control_.ledger(chunk);
  // relaxed: whoever set it is dead or idle, which was told by a message.
  const std::uint32_t state = entry.load(std::memory_order_relaxed);
  if (state == tag || state == ipc::kConvicted) return ChunkEnd::kSkipped;
  stamp(chunk);
  if (!is_follow_up(chunk)) {
    run_items(chunk);
  } else if (partials_) {
    run_merge(chunk);
  } else {
    run_gather(chunk);
  }
  // A kernel that saw the flag may have left its rows unfinished.
  if (cancel_.raised()) return ChunkEnd::kSkipped;
  GRISTMILL_TEST_POINT("before-done");
  // release, partner of the coordinator's acquire before outputs are read.
  entry.store(tag, std::memory_order_release);
  GRISTMILL_TEST_POINT("after-done");
  return ChunkEnd::kDone;
}

inline void JobExecution::run_items(std::uint32_t chunk) {
  const std::int64_t begin = std::int64_t{chunk} * chunk_items_;
  if (!lease_prepared_) prepare_pages();
  if (emitted_) emitted_->begin_chunk();
  void* accumulator = partials_ ? partials_->accumulator_for(chunk) : nullptr;
  GRISTMILL_TEST_POINT("before-kernel");
  run_kernel(begin, begin + items_of(chunk), accumulator);
  GRISTMILL_TEST_POINT("after-kernel");
  if (emitted_) emitted_->end_chunk(chunk);
  if (partials_ && partials_->exact()) {
    // relaxed: published by the chunk's tag, which is stored with release.
    control_.record(chunk).first_row.store(partials_->accumulator_id(), std::memory_order_relaxed);
    GRISTMILL_TEST_POINT("after-accumulator-record");
  }
}

inline void JobExecution::run_kernel(std::int64_t begin, std::int64_t end, void* accumulator) {
  if (space_.has_tiles()) {
    for (std::int64_t item = begin; item < end && !cancel_.raised(); ++item) {
      run_tile(item, accumulator);
    }
  } else {
    if (accumulator == nullptr && !on_entry_.empty()) on_entry_.fill_rows(begin, end);
    kernel_->run({begin, end, {begin, end, 0, 0}}, accumulator);
  }
}

void JobExecution::run_tile(std::int64_t item, void* accumulator) {
  const ipc::Tile tile = ipc::tile_at(space_, item);
  prepare_rows(tile.row_begin, tile.row_end);
  if (space_.kind == ipc::SpaceKind::kTriangle) prepare_rows(tile.column_begin, tile.column_end);
  if (accumulator == nullptr) on_entry_.fill_tile(tile);
  kernel_->run({item, item + 1, tile}, accumulator);
}

void JobExecution::run_merge(std::uint32_t chunk) {
  GRISTMILL_TEST_POINT("before-merge");
  const std::byte* partial = partials_->merge(*kernel_, chunk);
  GRISTMILL_TEST_POINT("after-merge");
  if (!partials_->is_root(chunk)) return;
  on_entry_.fill_all();
  GRISTMILL_TEST_POINT("before-finish");
  kernel_->finish(partial);
  GRISTMILL_TEST_POINT("after-finish");
}

void JobExecution::run_gather(std::uint32_t chunk) {
  if (!gatherer_) gatherer_.emplace(*emit_, output_specs_, fds_, memory_, control_);
  GRISTMILL_TEST_POINT("before-gather");
  gatherer_->gather(chunk - chunks_);
  GRISTMILL_TEST_POINT("after-gather");
}

inline std::int64_t JobExecution::items_of(std::uint32_t chunk) const {
  return std::min(chunk_items_, items_ - std::int64_t{chunk} * chunk_items_);
}

// Of the whole lease at its first chunk: after the stamp, because it may fault. Tiles prepare their
// own.
void JobExecution::prepare_pages() {
  lease_prepared_ = true;
  if (space_.has_tiles()) return;
  prepare_rows(std::int64_t{lease_.begin} * chunk_items_,
               std::min(std::int64_t{lease_.end} * chunk_items_, items_));
}

void JobExecution::prepare_rows(std::int64_t begin, std::int64_t end) {
  for (const ArrayOfItems& array : item_arrays_) {
    array.memory->pages().prepare(array.array_offset + begin * array.row_bytes,
                                  array.array_offset + end * array.row_bytes);
  }
}

}  // namespace gristmill::workers
