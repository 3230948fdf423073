#pragma once

#include <string>

#include <gristmill/job.h>

namespace gristmill::cli {

// What a job would do and why, for people: several lines. in_memory: its inputs would be placed in
// memory before.
std::string plan_text(const JobPlan& plan, bool in_memory);
// The same as one JSON object: docs/command-line.md.
std::string plan_json(const JobPlan& plan, bool in_memory);

}  // namespace gristmill::cli
