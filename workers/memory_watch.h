#pragma once

#include <chrono>
#include <cstdint>

namespace gristmill::workers {

// How much memory of its own this process has: what its kernels allocated, not the arrays of jobs.
class MemoryWatch {
 public:
  // limit_bytes 0: none.
  explicit MemoryWatch(std::int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The system refuses data beyond the limit from now on (RLIMIT_DATA). Requires: a process of the
  // worker's own.
  void impose() const;

  // True once so much of the limit is used that the worker had better be replaced, and from then
  // on. Looks at most every kInterval, at /proc/self/statm.
  bool is_nearly_full();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{5};
  static constexpr double kNearlyFull = 0.75;

  std::int64_t limit_bytes_;
  Clock::time_point next_look_{};
  bool nearly_full_ = false;
};

}  // namespace gristmill::workers
