#pragma once

#include <cstdint>
#include <functional>

namespace gristmill::engine {

// Calls body(begin, end) once for each part of [0, size_bytes), in any order, from as many threads
// as there are usable CPUs, at most eight, and not more than parts; the caller's is one of them.
// Returns when all calls have. Threads and processes: the threads block all signals.
// Errors: the first exception of a body; parts that were not begun are left out then.
// Requires: part_bytes > 0.
void for_each_part(std::int64_t size_bytes, std::int64_t part_bytes,
                   const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace gristmill::engine
