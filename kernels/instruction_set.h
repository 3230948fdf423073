#pragma once

#include <span>

#include "kernels/pairwise.h"

namespace gristmill::kernels {

// The copies of the loops that this CPU can run, the fastest first.
std::span<const Pairwise* const> supported_pairwise();

// The fastest of them, or the one that the environment variable GRISTMILL_INSTRUCTION_SET names:
// baseline, v3 or v4. Errors: Invalid for another name, or one that this CPU lacks.
const Pairwise& chosen_pairwise();

}  // namespace gristmill::kernels
