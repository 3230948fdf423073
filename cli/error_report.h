#pragma once

#include <exception>

#include <gristmill/error.h>

namespace gristmill::cli {

// How a command ends. Made for schedulers that retry: docs/command-line.md.
enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitNotStarted = 2,
  kExitQuarantined = 3,
  kExitResources = 4,
  kExitBug = 70,
  kExitSignalBase = 128,  // plus the signal's number
};

// Prints the error's message, detail and hint to stderr, a line each.
// Returns the exit code that its code stands for.
int report_error(const Error& error);

// The same for an exception that should not have come this far.
int report_bug(const std::exception& exception);

}  // namespace gristmill::cli
