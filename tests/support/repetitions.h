#pragma once

#include "tests/support/sanitizers.h"

namespace gristmill::test {

// A number of repetitions: as given in an optimised build, fewer where they take longer.
constexpr long repetitions(long count) {
#ifdef NDEBUG
  constexpr bool kOptimized = true;
#else
  constexpr bool kOptimized = false;
#endif
  if (kSanitized) return count / 20 + 1;
  return kOptimized ? count : count / 4 + 1;
}

}  // namespace gristmill::test
