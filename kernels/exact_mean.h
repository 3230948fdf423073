#pragma once

#include <cstdint>

#include "kernels/wide_integer.h"

namespace gristmill::kernels {

// The mean of whole numbers whose sum is exact: rounded once while that and the count are below
// 2^53, else at most thrice. Requires: count > 0.
double exact_mean(SignedWide sum, std::int64_t count);

}  // namespace gristmill::kernels
