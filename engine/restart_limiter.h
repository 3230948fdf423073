#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace gristmill::engine {

// When the next worker of a slot may be started. Only starts that came to nothing count: workers
// that died before they had done anything, in no chunk that could be blamed for it.
class RestartLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds kWindow{30};
  // In a window. A SIGKILL from outside says less of the worker than what it does by itself.
  static constexpr std::size_t kMostDeaths = 5;
  static constexpr std::size_t kMostKills = 10;
  static constexpr std::chrono::milliseconds kFirstPause{50};
  static constexpr std::chrono::milliseconds kLongestPause{1000};

  explicit RestartLimiter(std::uint32_t slots) : slots_(slots) {}

  // After a start that came to nothing; none: the slot is given up. killed: by a SIGKILL from
  // outside.
  std::optional<Clock::time_point> after_nothing(std::uint32_t slot, bool killed,
                                                 Clock::time_point now);

 private:
  struct Slot {
    std::deque<Clock::time_point> deaths;
    std::deque<Clock::time_point> kills;
  };

  std::vector<Slot> slots_;
};

}  // namespace gristmill::engine
