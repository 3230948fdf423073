// What a chunk costs: a million that do nothing, and short kernels at default settings.
#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/kernels/loops.h"
#include "bench/median.h"
#include "bench/peers.h"
#include "bench/processes.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 9;

Figure empty_chunks(Engine& engine, const Options& options) {
  const std::int64_t chunks = options.smoke ? 10'000 : 1'000'000;
  const int workers = engine.workers();
  const double per_chunk = 1e9 * workers / static_cast<double>(chunks);
  const JobSpec job = work_job(chunks, 0, ChunkSize::items(1));
  const auto nothing = [](std::int64_t) { do_nothing(); };
  // CPU time as well, which tells more than the clock where others run.
  const auto timed = [&](std::vector<double>& cpu, const auto& run) {
    const double cpu_start = own_cpu_seconds();
    const double seconds = seconds_of(run);
    cpu.push_back(per_chunk / workers * (own_cpu_seconds() - cpu_start));
    return per_chunk * seconds;
  };
  std::vector<double> running;
  std::vector<double> cpu;
  std::vector<double> openmp_cpu;
  std::vector<double> tbb_cpu;
  const auto run = [&] { running.push_back(run_job(engine, job).summary().running.count()); };
  std::vector<Contender> contenders = {
      {"gristmill", [&] { return timed(cpu, run); }},
      {"OpenMP dynamic,1",
       [&] { return timed(openmp_cpu, [&] { openmp_dynamic(workers, chunks, nothing); }); }},
      {"oneTBB, one by one",
       [&] { return timed(tbb_cpu, [&] { tbb_one_by_one(chunks, nothing); }); }}};
  run_job(engine, job);
  const Quality quality = run_in_turns(contenders, kRounds, options);
  const double openmp = median(contenders[1].values);
  return {fmt::format("empty kernel, {} chunks, per chunk and worker", chunks),
          median(contenders[0].values),
          "ns",
          at_most(openmp),
          "target: OpenMP schedule(dynamic,1); from submit to result; nothing read or written",
          quality,
          {{"workers running alone, ns", per_chunk * median(running)},
           {"OpenMP dynamic,1, ns", openmp},
           {"oneTBB simple partitioner, ns", median(contenders[2].values)},
           {"CPU time of a chunk, ns", median(cpu)},
           {"CPU time of a chunk by OpenMP, ns", median(openmp_cpu)},
           {"CPU time of a chunk by oneTBB, ns", median(tbb_cpu)}}};
}

struct ShortKernel {
  double microseconds;
  std::int64_t items;
  ChunkSize chunk_size;
  std::string chunks_in_words;
  std::optional<Target> target;
};

Figure short_kernel(Engine& engine, const ShortKernel& kernel, const Options& options) {
  const std::int64_t items = options.smoke ? kernel.items / 100 : kernel.items;
  const std::int64_t iterations = iterations_for(1000 * kernel.microseconds);
  const int workers = engine.workers();
  const JobSpec job = work_job(items, iterations, kernel.chunk_size);
  const auto body = [&](std::int64_t) { work(iterations); };
  std::vector<Contender> contenders = {
      {"gristmill", [&] { return seconds_of([&] { run_job(engine, job); }); }},
      {"static", [&] { return seconds_of([&] { openmp_static(workers, items, body); }); }},
      {"dynamic", [&] { return seconds_of([&] { openmp_dynamic(workers, items, body); }); }},
      {"tbb", [&] { return seconds_of([&] { tbb_automatic(items, body); }); }}};
  const Result first = run_job(engine, job);
  const Quality quality = run_in_turns(contenders, kRounds, options);
  const auto milliseconds = [&](std::size_t i) { return 1000 * median(contenders[i].values); };
  return {fmt::format("{:g} us kernel, {}, speed of OpenMP static", kernel.microseconds,
                      kernel.chunks_in_words),
          median_ratio(contenders[1].values, contenders[0].values),
          "",
          kernel.target,
          fmt::format("{} items in {} chunks, {} iterations each; no memory touched", items,
                      first.summary().plan.chunks, iterations),
          quality,
          {{"gristmill, ms", milliseconds(0)},
           {"OpenMP static, ms", milliseconds(1)},
           {"OpenMP dynamic,1, ms", milliseconds(2)},
           {"oneTBB auto partitioner, ms", milliseconds(3)}}};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  Engine engine(with_bench_kernels(0));
  std::vector<Figure> figures = {empty_chunks(engine, options)};
  const ShortKernel kernels[] = {
      {1, 400'000, {}, "default settings", at_least(0.96)},
      {20, 20'000, {}, "default settings", at_least(0.98)},
      {1, 400'000, ChunkSize::items(1), "chunks of one item", {}},
      {20, 20'000, ChunkSize::items(1), "chunks of one item", {}},
  };
  for (const ShortKernel& kernel : kernels) {
    figures.push_back(short_kernel(engine, kernel, options));
  }
  return figures;
}

}  // namespace gristmill::bench
