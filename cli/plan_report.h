#pragma once

#include <string>

#include <gristmill/job.h>

namespace gristmill::cli {

// What a job would do and why, for people: several lines.
std::string plan_text(const JobPlan& plan);
// The same as one JSON object: docs/command-line.md.
std::string plan_json(const JobPlan& plan);

}  // namespace gristmill::cli
