#include "engine/job_costs.h"

#include <algorithm>

#include <gristmill/kernel.h>

#include "engine/job_control.h"
#include "engine/printable.h"

namespace gristmill::engine {

void JobCosts::add(std::uint32_t slot, const ipc::LogLine& line) {
  if (log_.size() >= kMostLogLines) return;
  log_.push_back(
      {static_cast<int>(slot), line.level != GM_LOG_INFO, without_control_characters(line.text)});
}

void JobCosts::add(const ipc::JobClosed& closed) {
  faulted_bytes_ += std::clamp<std::int64_t>(closed.faulted_bytes, 0, kMostOfOneWorker);
  huge_bytes_ += std::clamp<std::int64_t>(closed.huge_bytes, 0, kMostOfOneWorker);
  for (const ipc::Counter& counter : closed.counters) add(counter);
}

void JobCosts::add(const ipc::Counter& counter) {
  const std::string name = without_control_characters(counter.name);
  if (counters_.size() >= kMostCounters && !counters_.contains(name)) return;
  std::int64_t& sum = counters_[name];
  if (__builtin_add_overflow(sum, counter.value, &sum)) {
    sum = counter.value < 0 ? INT64_MIN : INT64_MAX;
  }
}

}  // namespace gristmill::engine
