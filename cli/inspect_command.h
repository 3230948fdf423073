#pragma once

#include "cli/arguments.h"

namespace gristmill::cli {

// Shows dtype, shape, size and the first values of an array file, on stdout. Reads no more of the
// file than that. Errors: kInvalid when it is not an array file that gristmill can map.
void inspect_file(const InspectArguments& arguments);

}  // namespace gristmill::cli
