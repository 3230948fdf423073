#pragma once

#include <cstdint>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>

// The same loop by OpenMP and by oneTBB, body(i) for each i of 0 .. count-1.
namespace gristmill::bench {

template <class Body>
void openmp_static(int threads, std::int64_t count, const Body& body) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

template <class Body>
void openmp_dynamic(int threads, std::int64_t count, const Body& body) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

// As many threads as CPUs, as oneTBB does by itself. A task per item with the simple partitioner.
template <class Body, class Partitioner>
void tbb_loop(std::int64_t count, const Body& body, const Partitioner& partitioner) {
  using Range = oneapi::tbb::blocked_range<std::int64_t>;
  oneapi::tbb::parallel_for(
      Range(0, count, 1),
      [&](const Range& range) {
        for (std::int64_t i = range.begin(); i < range.end(); ++i) body(i);
      },
      partitioner);
}

template <class Body>
void tbb_one_by_one(std::int64_t count, const Body& body) {
  tbb_loop(count, body, oneapi::tbb::simple_partitioner());
}

template <class Body>
void tbb_automatic(std::int64_t count, const Body& body) {
  tbb_loop(count, body, oneapi::tbb::auto_partitioner());
}

}  // namespace gristmill::bench
