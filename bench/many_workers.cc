// Many more workers than CPUs.
#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/median.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 7;

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const int few = usable_cpus();
  const int many = 32 * few;
  const std::int64_t items = options.smoke ? 500 : 50'000;
  const JobSpec job = work_job(items, iterations_for(20'000));
  Engine few_workers(with_bench_kernels(few));
  Engine many_workers(with_bench_kernels(many));
  std::vector<Contender> contenders = {
      {"many", [&] { return seconds_of([&] { run_job(many_workers, job); }); }},
      {"few", [&] { return seconds_of([&] { run_job(few_workers, job); }); }}};
  run_job(few_workers, job);
  run_job(many_workers, job);
  const Quality quality = run_in_turns(contenders, kRounds, options);
  return {{fmt::format("{} workers on {} CPUs, time of {} workers", many, few, few),
           median_ratio(contenders[0].values, contenders[1].values),
           "",
           at_most(1.10),
           fmt::format("{} items of 20 us, default settings; all workers up", items),
           quality,
           {{fmt::format("{} workers, ms", many), 1000 * median(contenders[0].values)},
            {fmt::format("{} workers, ms", few), 1000 * median(contenders[1].values)}}}};
}

}  // namespace gristmill::bench
