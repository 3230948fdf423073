#pragma once

#include <span>

#include "kernels/binning.h"
#include "kernels/bootstrap_draws.h"
#include "kernels/clustering.h"
#include "kernels/column_moments.h"
#include "kernels/grouping.h"
#include "kernels/pairwise.h"
#include "kernels/window_statistics.h"

namespace gristmill::kernels {

// The copies of the loops that this CPU can run, the fastest first.
std::span<const Pairwise* const> supported_pairwise();
std::span<const ColumnMomentsLoops* const> supported_column_moments();
std::span<const BootstrapLoops* const> supported_bootstrap();
std::span<const WindowLoops* const> supported_window();
std::span<const BinningLoops* const> supported_binning();
std::span<const GroupingLoops* const> supported_grouping();
std::span<const ClusteringLoops* const> supported_clustering();

// The fastest of them, or the one that the environment variable GRISTMILL_INSTRUCTION_SET names:
// baseline, v3 or v4. Errors: Invalid for another name, or one that this CPU lacks.
const Pairwise& chosen_pairwise();
const ColumnMomentsLoops& chosen_column_moments();
const BootstrapLoops& chosen_bootstrap();
const WindowLoops& chosen_window();
const BinningLoops& chosen_binning();
const GroupingLoops& chosen_grouping();
const ClusteringLoops& chosen_clustering();

}  // namespace gristmill::kernels
