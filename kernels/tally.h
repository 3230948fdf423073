#pragma once

#include <gristmill/kernel.hpp>

#include "kernels/binning.h"

// Merging and finishing what values were added to (binning.h). Word: std::int64_t, or double for
// sums of weights.
namespace gristmill::kernels {

template <class Word>
void merge_tallies(const kernel::Merge& merge);

// Writes the outputs "count", "edges" and "outside" that are wanted.
template <class Word>
void finish_tally(const kernel::Finish& finish, const Bins& bins);

}  // namespace gristmill::kernels
