#include "engine/bisection.h"

#include <utility>

namespace gristmill::engine {

void Bisection::add(std::uint32_t chunk, std::int64_t begin, std::int64_t end, std::string why) {
  split({chunk, begin, end}, why);
}

Bisection::Probe Bisection::next() {
  const Probe probe = waiting_.front();
  waiting_.pop_front();
  return probe;
}

void Bisection::failed(const Probe& probe, std::string why) {
  if (++failures_[probe.chunk] >= kMostFailures) {
    std::erase_if(waiting_, [&](const Probe& other) {
      if (other.chunk != probe.chunk) return false;
      found_[other.begin] = {other.chunk, other.begin, other.end, why};
      return true;
    });
    found_[probe.begin] = {probe.chunk, probe.begin, probe.end, std::move(why)};
    return;
  }
  split(probe, why);
}

void Bisection::split(const Probe& probe, const std::string& why) {
  if (probe.end - probe.begin == 1) {
    found_[probe.begin] = {probe.chunk, probe.begin, probe.end, why};
    return;
  }
  const std::int64_t middle = probe.begin + (probe.end - probe.begin) / 2;
  waiting_.push_back({probe.chunk, probe.begin, middle});
  waiting_.push_back({probe.chunk, middle, probe.end});
}

std::vector<QuarantinedItems> Bisection::found() const {
  std::vector<QuarantinedItems> all;
  for (const auto& [begin, items] : found_) {
    const bool goes_on = !all.empty() && all.back().chunk == items.chunk &&
                         all.back().end == begin && all.back().why == items.why;
    if (goes_on) {
      all.back().end = items.end;
    } else {
      all.push_back(items);
    }
  }
  return all;
}

}  // namespace gristmill::engine
