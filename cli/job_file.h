#pragma once

#include <filesystem>

#include "cli/job_request.h"

namespace gristmill::cli {

// Reads a job file: docs/command-line.md. Its relative paths are relative to its own folder.
// Errors: kInvalid with the line: not TOML, an unknown key (the nearest known one is offered), a
// value of the wrong type.
JobRequest read_job_file(const std::filesystem::path& path);

}  // namespace gristmill::cli
