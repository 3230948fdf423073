#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <gristmill/result.h>

namespace gristmill::cli {

inline constexpr int kJsonSchema = 1;

// How the inputs got where they are before the job.
struct Placing {
  std::int64_t copied_bytes = 0;
  std::chrono::duration<double> elapsed{};  // of --in-memory
};

// "done", "failed", "cancelled".
const char* outcome_name(Outcome outcome);

// How a finished job went, for people: several lines, with the first values of what stayed in
// memory. Requires: the job is done.
std::string summary_text(const Result& result, const Placing& placing);
// How any job ended, as one JSON object: docs/command-line.md.
std::string summary_json(const Result& result, const Placing& placing);

// Shared with the plan's report.
nlohmann::ordered_json outputs_json(const JobPlan& plan);
// With a line feed at the end. What is not UTF-8, as in a file's name, is replaced.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace gristmill::cli
