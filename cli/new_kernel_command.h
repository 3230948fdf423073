#pragma once

#include "cli/arguments.h"

namespace gristmill::cli {

// Writes the project of a new kernel, and on stdout the commands that come next.
// Errors: kInvalid for a name that does not do, a folder that exists or must not be made;
// kResources when there is no space.
void new_kernel(const NewKernelArguments& arguments);

}  // namespace gristmill::cli
