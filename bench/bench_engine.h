#pragma once

#include <cstdint>

#include <gristmill/engine.h>

namespace gristmill::bench {

// Options of an engine that has the benchmarks' kernels. workers 0: one per CPU.
EngineOptions with_bench_kernels(int workers);

// A job of the kernel `work`. Iterations 0: an empty call per item.
JobSpec work_job(std::int64_t items, std::int64_t iterations, ChunkSize chunk_size = {});

// Submits, waits. Errors: the job's own.
Result run_job(Engine& engine, const JobSpec& spec);

// Iterations of work() that take so long, measured on this machine, now.
std::int64_t iterations_for(double nanoseconds);

}  // namespace gristmill::bench
