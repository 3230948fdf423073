#include "cli/fault_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <gristmill/error.h>

#include "cli/job_request.h"

namespace gristmill::cli {
namespace {

constexpr double kLongestSeconds = 1e9;

[[noreturn]] void throw_invalid(std::string message, std::string hint) {
  throw Error(ErrorCode::kInvalid, {std::move(message), "", std::move(hint)});
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

int parse_retries(std::string_view text) {
  const std::optional<double> number = parse_number(text);
  if (!number || *number != std::floor(*number) || *number < 0 || *number > 1'000'000) {
    throw_invalid(
        fmt::format("invalid number of retries \"{}\": not a whole number from 0 on", text),
        "Without it a chunk in which workers die is run three times, retries = 2.");
  }
  return static_cast<int>(*number);
}

OnError parse_on_error(std::string_view text) {
  if (text == "stop") {
    return OnError::kStop;
  }
  if (text != "skip") {
    throw_invalid(fmt::format("invalid on_error \"{}\": neither stop nor skip", text),
                  "stop ends the job, skip leaves out the rows that cannot be computed.");
  }
  return OnError::kSkip;
}

double parse_fill(std::string_view text) {
  const std::optional<double> number = parse_number(text);
  if (!number) {
    throw_invalid(fmt::format("invalid fill value \"{}\": no number", text),
                  "Write a number, nan or inf.");
  }
  return *number;
}

bool parse_bool(std::string_view name, std::string_view text) {
  if (text != "true" && text != "false") {
    throw_invalid(fmt::format("invalid {} \"{}\": neither true nor false", name, text), "");
  }
  return text == "true";
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  constexpr Unit kUnits[] = {{"ms", 0.001}, {"min", 60}, {"s", 1}, {"h", 3600}};
  double scale = 1;
  std::string_view digits = text;
  for (const Unit& unit : kUnits) {
    if (text.ends_with(unit.name)) {
      digits.remove_suffix(unit.name.size());
      scale = unit.seconds;
      break;
    }
  }
  const std::optional<double> number = parse_number(digits);
  if (!number || !(*number >= 0) || !(*number * scale <= kLongestSeconds)) {
    throw_invalid(fmt::format("invalid time \"{}\"", text),
                  "Times are written like 250ms, 1.5s, 2min, 1h, or as a number of seconds.");
  }
  return std::chrono::milliseconds(std::llround(std::ceil(*number * scale * 1000)));
}

void FaultOptions::set(std::string_view name, std::string_view value) {
  if (name == "retries") {
    retries = parse_retries(value);
  } else if (name == "timeout") {
    timeout = parse_duration(value);
  } else if (name == "stopped_timeout") {
    stopped_timeout = parse_duration(value);
  } else if (name == "on_error") {
    on_error = parse_on_error(value);
  } else if (name == "fill") {
    fill = parse_fill(value);
  } else if (name == "bisect") {
    bisect = parse_bool(name, value);
  } else {
    memory_limit_bytes = parse_memory_limit(value);
  }
}

FaultOptions FaultOptions::over(const FaultOptions& other) const {
  FaultOptions both = *this;
  const auto take = [](auto& mine, const auto& others) {
    if (!mine) {
      mine = others;
    }
  };
  take(both.retries, other.retries);
  take(both.timeout, other.timeout);
  take(both.stopped_timeout, other.stopped_timeout);
  take(both.on_error, other.on_error);
  take(both.fill, other.fill);
  take(both.bisect, other.bisect);
  take(both.memory_limit_bytes, other.memory_limit_bytes);
  return both;
}

FaultPolicy FaultOptions::policy() const {
  FaultPolicy policy;
  policy.retries = retries.value_or(policy.retries);
  policy.chunk_timeout = timeout.value_or(policy.chunk_timeout);
  policy.stopped_timeout = stopped_timeout.value_or(policy.stopped_timeout);
  policy.on_error = on_error.value_or(policy.on_error);
  policy.fill = fill;
  policy.bisect = bisect.value_or(policy.bisect);
  return policy;
}

const std::vector<std::string>& fault_option_names() {
  static const std::vector<std::string> kNames = {
      "retries", "timeout", "stopped_timeout", "on_error", "fill", "bisect", "memory_limit"};
  return kNames;
}

bool is_fault_option(std::string_view name) {
  const std::vector<std::string>& names = fault_option_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace gristmill::cli
