#pragma once

#include <span>

#include "kernels/bootstrap_draws.h"
#include "kernels/column_moments.h"
#include "kernels/pairwise.h"
#include "kernels/window_statistics.h"

namespace gristmill::kernels {

// The copies of the loops that this CPU can run, the fastest first.
std::span<const Pairwise* const> supported_pairwise();
std::span<const ColumnMomentsLoops* const> supported_column_moments();
std::span<const BootstrapLoops* const> supported_bootstrap();
std::span<const WindowLoops* const> supported_window();

// The fastest of them, or the one that the environment variable GRISTMILL_INSTRUCTION_SET names:
// baseline, v3 or v4. Errors: Invalid for another name, or one that this CPU lacks.
const Pairwise& chosen_pairwise();
const ColumnMomentsLoops& chosen_column_moments();
const BootstrapLoops& chosen_bootstrap();
const WindowLoops& chosen_window();

}  // namespace gristmill::kernels
