#pragma once

#include <atomic>
#include <cstdint>

namespace gristmill::ipc {

// One shared word for each worker that runs calls. The worker claims a call by it before it begins
// it, and the coordinator takes back all that were not begun: either may come first, never both. So
// the word also says which call a dead worker was in. Every value that a worker may leave in it is
// valid for the coordinator, which believes it only as far as its own list of calls goes.
// Requires: calls are taken back only while the claim is open. A worker that is told to resume
// cannot know of a second time.
// Threads and processes: any.
class CallClaim {
 public:
  // The worker's side. True: the call is its own. Calls that were taken back stay refused.
  bool begin(std::uint64_t call) {
    std::uint64_t before = call - 1;
    // acquire and release: the call's memory is read after the claim and before the next one.
    return word_.compare_exchange_strong(before, call, std::memory_order_acq_rel);
  }
  // The worker's side, when it is told to: calls behind this one can be claimed.
  void resume(std::uint64_t call) { word_.store(call, std::memory_order_release); }

  // The coordinator's side. Nothing can be claimed until the worker resumes. Returns begun().
  std::uint64_t take_back() {
    return word_.fetch_or(kTakenBack, std::memory_order_acq_rel) & ~kTakenBack;
  }
  // Calls were taken back, and the worker has not resumed.
  bool closed() const { return (word_.load(std::memory_order_acquire) & kTakenBack) != 0; }
  // The last call that was begun.
  std::uint64_t begun() const { return word_.load(std::memory_order_acquire) & ~kTakenBack; }

 private:
  static constexpr std::uint64_t kTakenBack = std::uint64_t{1} << 63;

  std::atomic<std::uint64_t> word_;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace gristmill::ipc
