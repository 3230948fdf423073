#include "engine/job_control.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

std::uint64_t random_key() {
  std::uint64_t key = 0;
  // Does not fail for so few bytes once the system is up; the tags then only lose their secrecy.
  static_cast<void>(getrandom(&key, sizeof key, GRND_NONBLOCK));
  return key;
}

// A worker's word, as far as it makes sense. relaxed: in a quiet state nobody writes any more.
std::int64_t read(const std::atomic<std::uint64_t>& word, std::int64_t most = kMostOfOneWorker) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(word.load(std::memory_order_relaxed),
                                                           static_cast<std::uint64_t>(most)));
}

}  // namespace

JobControl::JobControl(SegmentPool& segments, std::uint32_t slots, std::uint32_t chunks,
                       std::uint32_t records)
    : ledger_key_(random_key()) {
  const std::int64_t size_bytes = ipc::ControlSegment::size_bytes(slots, chunks, records);
  memory_ = segments.take(size_bytes);
  const std::span memory(memory_->writable(), static_cast<std::size_t>(size_bytes));
  // Nobody writes it: a segment comes back to the pool when all workers have closed its last job.
  std::fill(memory.begin(), memory.end(), std::byte{0});
  struct Kept {
    std::shared_ptr<const PooledSegment> memory;
    ipc::ControlSegment words;
  };
  const auto kept = std::make_shared<Kept>(Kept{memory_, {memory, slots, chunks, records}});
  words_ = std::shared_ptr<const ipc::ControlSegment>(kept, &kept->words);
}

PlacedArray JobControl::place() const {
  return {memory_->name(), memory_->fd(), 0, memory_->size_bytes(), 0, false};
}

void JobControl::share_out(ipc::ChunkRange chunks, std::uint32_t workers) {
  assert(workers > 0);
  const auto border = [&](std::uint32_t slot) {
    const std::uint64_t parts = std::min(slot, workers);
    return chunks.begin + static_cast<std::uint32_t>(chunks.size() * parts / workers);
  };
  for (std::uint32_t slot = 0; slot < words_->slots(); ++slot) {
    // release, published by the order that follows; the partner is the worker's read of its queue.
    words_->slot(slot).partition.store(ipc::pack({border(slot), border(slot + 1)}),
                                       std::memory_order_release);
    GRISTMILL_TEST_POINT("coordinator-after-partition");
  }
}

void JobControl::stop(std::uint32_t job) {
  GRISTMILL_TEST_POINT("coordinator-before-stop");
  // relaxed: the word stands for itself.
  words_->stop().store(job, std::memory_order_relaxed);
  GRISTMILL_TEST_POINT("coordinator-after-stop");
}

std::uint64_t JobControl::stamp(std::uint32_t slot) const {
  // relaxed: a hint.
  return words_->slot(slot).executing.load(std::memory_order_relaxed);
}

std::uint64_t JobControl::bury(std::uint32_t slot) {
  // relaxed: the process was reaped, so all it wrote is visible and nobody else writes these words.
  ipc::SlotWords& words = words_->slot(slot);
  words.lease.store(0, std::memory_order_relaxed);
  return words.executing.exchange(0, std::memory_order_relaxed);
}

void JobControl::lose_accumulator(std::uint32_t slot) {
  // relaxed: published by the next order.
  words_->slot(slot).accumulates.store(0, std::memory_order_relaxed);
}

bool JobControl::convict(std::uint32_t chunk) {
  // Not over a tag: a worker that wrote a stray stamp may have been blamed for what another one did
  // meanwhile. relaxed: published by the next order.
  std::atomic<std::uint32_t>& entry = words_->ledger(chunk);
  std::uint32_t seen = entry.load(std::memory_order_relaxed);
  if (seen == ipc::ledger_tag(ledger_key_, chunk) ||
      !entry.compare_exchange_strong(seen, ipc::kConvicted, std::memory_order_relaxed)) {
    return false;
  }
  if (chunk < words_->records()) {
    words_->record(chunk).first_row.store(0, std::memory_order_relaxed);
    words_->record(chunk).rows.store(0, std::memory_order_relaxed);
  }
  return true;
}

void JobControl::acquit(std::uint32_t chunk) {
  // relaxed: published by the next order.
  std::uint32_t seen = ipc::kConvicted;
  words_->ledger(chunk).compare_exchange_strong(seen, ipc::kOpen, std::memory_order_relaxed);
}

void JobControl::reopen(const std::set<std::uint64_t>& accumulator_ids) {
  for (std::uint32_t chunk = 0; chunk < words_->records(); ++chunk) {
    // relaxed: ordered by the chunk's tag.
    const auto id = words_->record(chunk).first_row.load(std::memory_order_relaxed);
    if (!accumulator_ids.contains(id)) continue;
    if (is_done(chunk)) words_->ledger(chunk).store(ipc::kOpen, std::memory_order_relaxed);
  }
}

ipc::ChunkRange JobControl::open_chunks(ipc::ChunkRange range) const {
  while (!range.empty() && !is_open(range.begin)) ++range.begin;
  while (!range.empty() && !is_open(range.end - 1)) --range.end;
  return range;
}

bool JobControl::is_convicted(std::uint32_t chunk) const {
  // relaxed: written by this thread.
  return words_->ledger(chunk).load(std::memory_order_relaxed) == ipc::kConvicted;
}

bool JobControl::is_done(std::uint32_t chunk) const {
  // acquire, partner of the worker's release.
  return words_->ledger(chunk).load(std::memory_order_acquire) ==
         ipc::ledger_tag(ledger_key_, chunk);
}

std::int64_t JobControl::done_as_counted(std::uint32_t slot) const {
  return read(words_->slot(slot).chunks_done) + read(words_->slot(slot).follow_ups_done);
}

std::int64_t JobControl::done_as_counted() const {
  std::int64_t done = 0;
  for (std::uint32_t slot = 0; slot < words_->slots(); ++slot) done += done_as_counted(slot);
  return done;
}

std::vector<WorkerStats> JobControl::worker_stats(std::chrono::steady_clock::time_point submitted,
                                                  std::chrono::duration<double> running) const {
  std::vector<WorkerStats> all;
  for (std::uint32_t slot = 0; slot < words_->slots(); ++slot) {
    const ipc::SlotWords& words = words_->slot(slot);
    WorkerStats& stats = all.emplace_back();
    stats.worker = static_cast<int>(slot);
    stats.chunks = read(words.chunks_done);
    stats.items = read(words.items_done);
    stats.leases = read(words.leases);
    stats.stolen_leases = read(words.stolen_leases);
    stats.busy = std::chrono::nanoseconds(read(words.busy_nanoseconds));
    if (const auto first = first_chunk(slot)) stats.first_chunk = *first - submitted;
    if (running.count() > 0) stats.busy_share = stats.busy / running;
  }
  return all;
}

ChunkTimes JobControl::chunk_times() const {
  std::array<std::uint64_t, ipc::kTimeBuckets> chunks{};
  std::uint64_t all = 0;
  for (std::uint32_t slot = 0; slot < words_->slots(); ++slot) {
    for (std::size_t bucket = 0; bucket < ipc::kTimeBuckets; ++bucket) {
      // relaxed: as read.
      const std::uint32_t count =
          words_->slot(slot).chunk_times[bucket].load(std::memory_order_relaxed);
      chunks[bucket] += count;
      all += count;
    }
  }
  const auto quantile = [&](double share) {
    const auto below = static_cast<std::uint64_t>(share * static_cast<double>(all));
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    for (std::size_t i = 0; i < chunks.size() && seen <= below; ++i) {
      seen += chunks[i];
      if (chunks[i] > 0) bucket = i;
    }
    return std::chrono::duration<double, std::nano>(ipc::time_in_bucket(bucket));
  };
  return {quantile(0.5), quantile(0.9), quantile(0.99), quantile(1)};
}

std::optional<std::chrono::steady_clock::time_point> JobControl::first_chunk(
    std::uint32_t slot) const {
  const std::int64_t began = read(words_->slot(slot).first_chunk_nanoseconds, INT64_MAX);
  if (began == 0) return std::nullopt;
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(began));
}

std::optional<std::chrono::steady_clock::time_point> JobControl::first_chunk() const {
  std::optional<std::chrono::steady_clock::time_point> first;
  for (std::uint32_t slot = 0; slot < words_->slots(); ++slot) {
    const auto began = first_chunk(slot);
    if (began && (!first || *began < *first)) first = began;
  }
  return first;
}

}  // namespace gristmill::engine
