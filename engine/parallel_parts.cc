#include "engine/parallel_parts.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <gristmill/engine.h>

#include "engine/blocked_signals.h"

namespace gristmill::engine {
namespace {

// More do not make memory faster.
constexpr std::int64_t kMostThreads = 8;

// The parts that nobody has begun yet, and what went wrong.
class Parts {
 public:
  Parts(std::int64_t size_bytes, std::int64_t part_bytes)
      : size_bytes_(size_bytes),
        part_bytes_(part_bytes),
        count_((size_bytes + part_bytes - 1) / part_bytes) {}

  std::int64_t count() const { return count_; }

  void work(const std::function<void(std::int64_t, std::int64_t)>& body) {
    try {
      // relaxed: the number alone is shared; what the bodies did is ordered by joining the threads.
      for (std::int64_t part = next_.fetch_add(1, std::memory_order_relaxed); part < count_;
           part = next_.fetch_add(1, std::memory_order_relaxed)) {
        const std::int64_t begin = part * part_bytes_;
        body(begin, begin + std::min(part_bytes_, size_bytes_ - begin));
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      next_.store(count_, std::memory_order_relaxed);
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::int64_t size_bytes_;
  std::int64_t part_bytes_;
  std::int64_t count_;
  std::atomic<std::int64_t> next_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

void for_each_part(std::int64_t size_bytes, std::int64_t part_bytes,
                   const std::function<void(std::int64_t begin, std::int64_t end)>& body) {
  assert(size_bytes >= 0 && part_bytes > 0);
  Parts parts(size_bytes, part_bytes);
  const std::int64_t most = std::min(parts.count(), kMostThreads);
  std::vector<std::thread> threads;
  if (most > 1) {
    const AllSignalsBlocked blocked;
    try {
      threads.reserve(kMostThreads);
      const std::int64_t wanted = std::min<std::int64_t>(most, usable_cpus());
      while (std::ssize(threads) + 1 < wanted) {
        threads.emplace_back([&] { parts.work(body); });
      }
    } catch (const std::system_error&) {
      // Fewer threads do the same work.
    }
  }
  parts.work(body);
  for (std::thread& thread : threads) thread.join();
  parts.rethrow();
}

}  // namespace gristmill::engine
