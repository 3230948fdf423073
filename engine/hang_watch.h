#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace gristmill::engine {

// How long each slot's stamp has been the same, as far as the coordinator has seen. A chunk runs at
// most once in a worker's life, so the same stamp is the same run.
class HangWatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HangWatch(std::uint32_t slots) : slots_(slots) {}

  // A new order or a new worker: what was seen of the slot is over.
  void reset(std::uint32_t slot, Clock::time_point now) { slots_[slot] = {0, now}; }
  Clock::duration look(std::uint32_t slot, std::uint64_t stamp, Clock::time_point now);
  // The coordinator itself did not run for a while (it was stopped, the machine slept): nobody
  // else's time has passed either.
  void forgive(Clock::duration pause);

 private:
  struct Seen {
    std::uint64_t stamp = 0;
    Clock::time_point since{};
  };

  std::vector<Seen> slots_;
};

}  // namespace gristmill::engine
