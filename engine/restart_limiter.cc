#include "engine/restart_limiter.h"

#include <algorithm>

namespace gristmill::engine {

std::optional<RestartLimiter::Clock::time_point> RestartLimiter::after_nothing(
    std::uint32_t slot, bool killed, Clock::time_point now) {
  std::deque<Clock::time_point>& ends = killed ? slots_[slot].kills : slots_[slot].deaths;
  while (!ends.empty() && ends.front() < now - kWindow) ends.pop_front();
  if (ends.size() >= (killed ? kMostKills : kMostDeaths)) return std::nullopt;
  const auto doubled = kFirstPause * (std::int64_t{1} << ends.size());
  ends.push_back(now);
  return now + std::min<Clock::duration>(doubled, kLongestPause);
}

}  // namespace gristmill::engine
