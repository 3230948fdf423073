#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/faults.h>

namespace gristmill::cli {

// What is asked for the case that workers die: by options, or by the keys of a job file that are
// called like them.
struct FaultOptions {
  std::optional<int> retries;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::chrono::milliseconds> stopped_timeout;
  std::optional<OnError> on_error;
  std::optional<double> fill;
  std::optional<bool> bisect;
  std::optional<std::int64_t> memory_limit_bytes;  // of a worker

  // Sets one by its name in a job file ("stopped_timeout") and its value as text.
  // Errors: kInvalid for a value that cannot be read. Requires: is_fault_option(name).
  void set(std::string_view name, std::string_view value);
  // What is given here counts.
  FaultOptions over(const FaultOptions& other) const;
  FaultPolicy policy() const;
};

const std::vector<std::string>& fault_option_names();
bool is_fault_option(std::string_view name);

// "250ms", "1.5s", "2min", "1h", or a number of seconds. Errors: kInvalid.
std::chrono::milliseconds parse_duration(std::string_view text);

}  // namespace gristmill::cli
