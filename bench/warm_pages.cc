// What fresh and warm memory cost a map whose output is large: against first touch, against OpenMP
// on its own warm memory, and down a chain of jobs that each read the result of the one before.
//
// usage: bench_warm_pages [MiB] [ROUNDS]      (default 512 MiB, 5 rounds)
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include <fmt/core.h>
#include <gristmill/engine.h>

namespace gristmill::bench {
namespace {

using Clock = std::chrono::steady_clock;

const std::filesystem::path kPlugin =
    std::filesystem::path(GRISTMILL_BIN_DIR) / "gristmill-bench-stream.so";

template <class F>
double milliseconds(F&& function) {
  const auto start = Clock::now();
  function();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void stream(const double* from, double* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = 2 * from[i] + 1;
}

void openmp_stream(const double* from, double* to, std::int64_t count) {
#pragma omp parallel for num_threads(2) schedule(static)
  for (std::int64_t block = 0; block < count / 65536; ++block) {
    stream(from + block * 65536, to + block * 65536, 65536);
  }
}

double* shared_pages(std::size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return static_cast<double*>(pages);
}

void measure(std::int64_t mebibytes, int rounds) {
  const std::int64_t count = mebibytes << 17;
  const auto bytes = static_cast<std::size_t>(count) * sizeof(double);
  double* values = shared_pages(bytes);
  double* result = shared_pages(bytes);
  std::fill(values, values + count, 1.0);
  std::fill(result, result + count, 1.0);
  const Dataset rows = Dataset::copy_of(
      ArrayView(std::span<const double>(values, static_cast<std::size_t>(count)), {count}));
  std::vector<double> touch;
  std::vector<double> fresh;
  std::vector<double> warm;
  std::vector<double> openmp;
  std::vector<std::int64_t> huge;
  for (int round = 0; round < rounds; ++round) {
    double* untouched = shared_pages(bytes);
    touch.push_back(milliseconds([&] { openmp_stream(values, untouched, count); }));
    munmap(untouched, bytes);
    Engine engine({.workers = 2, .plugins = {kPlugin}});
    const auto job = [&] {
      return engine.submit({.kernel = "stream", .inputs = {{"rows", rows}}}).wait();
    };
    {
      fresh.push_back(milliseconds([&] { huge.push_back(job().summary().huge_bytes); }));
    }
    for (int i = 0; i < 5; ++i) {
      openmp.push_back(milliseconds([&] { openmp_stream(values, result, count); }));
      warm.push_back(milliseconds([&] { job(); }));
    }
  }
  fmt::print("map with an output of {} MiB, medians of {} rounds\n", mebibytes, rounds);
  fmt::print("  first touch (OpenMP on fresh shared pages) {:8.1f} ms\n", median(touch));
  fmt::print("  first job, fresh memory                    {:8.1f} ms, {} MiB huge\n",
             median(fresh), huge[0] >> 20);
  fmt::print("  later jobs                                 {:8.1f} ms\n", median(warm));
  fmt::print("  OpenMP on its own warm memory              {:8.1f} ms\n", median(openmp));

  Engine engine({.workers = 2, .plugins = {kPlugin}});
  Dataset next = rows;
  for (int i = 0; i < 10; ++i) {
    const auto start = Clock::now();
    const Result done = engine.submit({.kernel = "stream", .inputs = {{"rows", next}}}).wait();
    next = done.dataset();
    fmt::print("  chain {:2}: {:7.1f} ms, {:8.1f} MiB faulted, {} copied\n", i + 1,
               std::chrono::duration<double, std::milli>(Clock::now() - start).count(),
               static_cast<double>(done.summary().faulted_bytes) / 1048576,
               done.summary().copied_bytes);
  }
}

}  // namespace
}  // namespace gristmill::bench

int main(int argc, char** argv) {
  try {
    gristmill::bench::measure(argc > 1 ? std::atoll(argv[1]) : 512,
                              argc > 2 ? std::atoi(argv[2]) : 5);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_warm_pages: {}\n", error.what());
    return 1;
  }
}
