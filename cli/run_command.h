#pragma once

#include "cli/arguments.h"

namespace gristmill::cli {

// Runs a job, or shows its plan. Returns the exit code.
// Errors: those of a job that could not be started.
int run_job(const RunArguments& arguments);

}  // namespace gristmill::cli
