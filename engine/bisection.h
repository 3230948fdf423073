#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/faults.h>

namespace gristmill::engine {

// Which items of chunks that cannot be computed are the reason: parts of a chunk are probed, and
// those that fail are cut in two, down to single items.
class Bisection {
 public:
  // So many parts of a chunk may fail; then all that is not known to be good is given up.
  static constexpr int kMostFailures = 64;

  struct Probe {
    std::uint32_t chunk;
    std::int64_t begin;
    std::int64_t end;
  };

  // Items that fail together.
  void add(std::uint32_t chunk, std::int64_t begin, std::int64_t end, std::string why);

  bool has_next() const { return !waiting_.empty(); }
  // Requires: has_next().
  Probe next();
  // Of a probe that next() gave: its items fail; or it was not tried to the end, through no fault
  // of its own. Of one that passed nothing need be said.
  void failed(const Probe& probe, std::string why);
  void again(const Probe& probe) { waiting_.push_back(probe); }

  // In the order of the items. Requires: all probes were given, and none is running.
  std::vector<QuarantinedItems> found() const;

 private:
  void split(const Probe& probe, const std::string& why);

  std::deque<Probe> waiting_;
  std::map<std::uint32_t, int> failures_;
  std::map<std::int64_t, QuarantinedItems> found_;  // by their first item
};

}  // namespace gristmill::engine
