#pragma once

#include <cstdint>

// The inner loops of the benchmarks' kernels, compiled once: the plug-in and the loops of OpenMP
// and oneTBB that it is compared with run the same machine code.
namespace gristmill::bench {

// A call and a return.
void do_nothing();

// That many dependent multiplications, about a nanosecond each. Touches no memory.
void work(std::int64_t iterations);

// Reads each value once, as fast as this CPU can. Requires: count is a multiple of 64.
double sum(const double* values, std::int64_t count);

// to[i] = 2 from[i] + 1
void stream(const double* from, double* to, std::int64_t count);

}  // namespace gristmill::bench
