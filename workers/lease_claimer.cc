#include "workers/lease_claimer.h"

#include <algorithm>

#include <gristmill/error.h>

#include "ipc/test_point.h"

namespace gristmill::workers {
namespace {

constexpr double kLeaseNanoseconds = 200'000;
// A lease is at most this part of what remains: the tail is shared out in ever smaller pieces.
constexpr std::uint32_t kGuidedShare = 4;
// Weight of the newest lease in the running mean of chunk time.
constexpr double kNewest = 0.5;

}  // namespace

std::optional<Lease> LeaseClaimer::claim() {
  for (;;) {
    const ipc::ChunkRange own = load_partition(slot_);
    if (!own.empty()) {
      const std::uint32_t length = lease_length(own.size());
      GRISTMILL_TEST_POINT("before-claim");
      if (!take_front(own, length)) continue;
      GRISTMILL_TEST_POINT("after-claim");
      const ipc::ChunkRange lease{own.begin, own.begin + length};
      publish(lease);
      return Lease{lease, false};
    }
    const std::optional<std::uint32_t> victim = fullest_other();
    if (!victim) return std::nullopt;
    const ipc::ChunkRange seen = load_partition(*victim);
    if (seen.empty()) continue;
    const std::uint32_t length = lease_length(seen.size());
    GRISTMILL_TEST_POINT("before-steal");
    if (!take_back(*victim, seen, length)) continue;
    GRISTMILL_TEST_POINT("after-steal");
    const ipc::ChunkRange lease{seen.end - length, seen.end};
    publish(lease);
    return Lease{lease, true};
  }
}

void LeaseClaimer::record(std::uint32_t chunks, std::chrono::nanoseconds elapsed) {
  if (chunks == 0) return;
  const double measured = static_cast<double>(elapsed.count()) / chunks;
  nanoseconds_per_chunk_ = nanoseconds_per_chunk_ == 0
                               ? measured
                               : kNewest * measured + (1 - kNewest) * nanoseconds_per_chunk_;
}

std::uint32_t LeaseClaimer::lease_length(std::uint32_t available) const {
  if (nanoseconds_per_chunk_ == 0) return 1;
  const double affordable = kLeaseNanoseconds / nanoseconds_per_chunk_;
  const double guided = std::min(affordable, static_cast<double>(available / kGuidedShare));
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(guided));
}

std::optional<std::uint32_t> LeaseClaimer::fullest_other() const {
  std::optional<std::uint32_t> fullest;
  std::uint32_t most = 0;
  for (std::uint32_t slot = 0; slot < control_.slots(); ++slot) {
    if (slot == slot_) continue;
    const ipc::ChunkRange range = load_partition(slot);
    if (!range.empty() && range.size() > most) {
      most = range.size();
      fullest = slot;
    }
  }
  return fullest;
}

ipc::ChunkRange LeaseClaimer::load_partition(std::uint32_t slot) const {
  // relaxed: the word carries nothing but the range; the compare-and-swap decides.
  const auto word = control_.slot(slot).partition.load(std::memory_order_relaxed);
  const ipc::ChunkRange range = ipc::unpack_range(word);
  if (range.begin > range.end || range.end > control_.chunks()) {
    throw Error(ErrorCode::kInternal, "a partition holds chunks that the job does not have");
  }
  return range;
}

bool LeaseClaimer::take_front(ipc::ChunkRange seen, std::uint32_t length) {
  std::uint64_t expected = ipc::pack(seen);
  // acq_rel: acquire keeps the lease and stamp stores behind the claim; partner: every other claim.
  return control_.slot(slot_).partition.compare_exchange_strong(
      expected, ipc::pack({seen.begin + length, seen.end}), std::memory_order_acq_rel,
      std::memory_order_relaxed);
}

bool LeaseClaimer::take_back(std::uint32_t victim, ipc::ChunkRange seen, std::uint32_t length) {
  std::uint64_t expected = ipc::pack(seen);
  // acq_rel: as in take_front.
  return control_.slot(victim).partition.compare_exchange_strong(
      expected, ipc::pack({seen.begin, seen.end - length}), std::memory_order_acq_rel,
      std::memory_order_relaxed);
}

void LeaseClaimer::publish(ipc::ChunkRange lease) {
  // relaxed: read by the coordinator only after this process was reaped.
  control_.slot(slot_).lease.store(ipc::pack(lease), std::memory_order_relaxed);
  GRISTMILL_TEST_POINT("after-publish");
}

}  // namespace gristmill::workers
