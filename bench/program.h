#pragma once

#include <vector>

#include "bench/figure.h"
#include "bench/options.h"

namespace gristmill::bench {

// What a benchmark program is: this function, and the main of program.cc. Errors: any
// std::exception ends the program with 1.
std::vector<Figure> measure(const Options& options);

}  // namespace gristmill::bench
