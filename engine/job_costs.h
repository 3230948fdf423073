#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gristmill/result.h>

#include "ipc/messages.h"

namespace gristmill::engine {

// What workers report of a job beside its results: costs, counters, lines. A worker's word: bounded
// in number, and no sum overflows.
class JobCosts {
 public:
  void add(std::uint32_t slot, const ipc::LogLine& line);
  void add(const ipc::JobClosed& closed);

  std::int64_t faulted_bytes() const { return faulted_bytes_; }
  std::int64_t huge_bytes() const { return huge_bytes_; }
  const std::map<std::string, std::int64_t>& counters() const { return counters_; }
  const std::vector<LogLine>& log() const { return log_; }

 private:
  static constexpr std::size_t kMostCounters = 64;
  static constexpr std::size_t kMostLogLines = 1000;

  void add(const ipc::Counter& counter);

  std::int64_t faulted_bytes_ = 0;
  std::int64_t huge_bytes_ = 0;
  std::map<std::string, std::int64_t> counters_;
  std::vector<LogLine> log_;
};

}  // namespace gristmill::engine
