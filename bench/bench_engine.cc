#include "bench/bench_engine.h"

#include <algorithm>
#include <filesystem>

#include "bench/kernels/loops.h"
#include "bench/rounds.h"

namespace gristmill::bench {

EngineOptions with_bench_kernels(int workers) {
  return {.workers = workers,
          .plugins = {std::filesystem::path(GRISTMILL_BIN_DIR) / "gristmill-bench-kernels.so"}};
}

JobSpec work_job(std::int64_t items, std::int64_t iterations, ChunkSize chunk_size) {
  return {.kernel = "work",
          .params = {{"items", items}, {"iterations", iterations}},
          .chunk_size = chunk_size};
}

Result run_job(Engine& engine, const JobSpec& spec) {
  Result result = engine.submit(spec).wait();
  if (result.error()) throw *result.error();
  return result;
}

std::int64_t iterations_for(double nanoseconds) {
  constexpr std::int64_t kSample = 2'000'000;
  // The shortest is the least disturbed.
  double shortest = 1;
  for (int i = 0; i < 20; ++i) shortest = std::min(shortest, seconds_of([] { work(kSample); }));
  const double count = nanoseconds * 1e-9 / shortest * static_cast<double>(kSample);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(count));
}

}  // namespace gristmill::bench
