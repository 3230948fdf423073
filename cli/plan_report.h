#pragma once

#include <cstdint>
#include <string>

#include <gristmill/job.h>

namespace gristmill::cli {

// What a job would do and why, for people: several lines. copied_bytes: of its inputs, those that
// are copied into memory.
std::string plan_text(const JobPlan& plan, std::int64_t copied_bytes);
// The same as one JSON object: docs/command-line.md.
std::string plan_json(const JobPlan& plan, std::int64_t copied_bytes);

}  // namespace gristmill::cli
