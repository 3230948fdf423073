#pragma once

#include "cli/arguments.h"

namespace gristmill::cli {

// Lists the kernels or describes one, on stdout.
// Errors: kInvalid for an unknown name or a plug-in that is refused.
void show_kernels(const KernelsArguments& arguments);

}  // namespace gristmill::cli
