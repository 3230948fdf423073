#include "engine/hang_watch.h"

namespace gristmill::engine {

HangWatch::Clock::duration HangWatch::look(std::uint32_t slot, std::uint64_t stamp,
                                           Clock::time_point now) {
  Seen& seen = slots_[slot];
  if (seen.stamp != stamp) seen = {stamp, now};
  return now - seen.since;
}

void HangWatch::forgive(Clock::duration pause) {
  for (Seen& seen : slots_) seen.since += pause;
}

}  // namespace gristmill::engine
