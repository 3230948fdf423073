// One worker is stopped (SIGSTOP) in a map of slow chunks: the others carry on with its part.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/median.h"
#include "bench/processes.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 5;

using Clock = std::chrono::steady_clock;

std::map<pid_t, double> cpu_of_children() {
  std::map<pid_t, double> seconds;
  for (const pid_t child : children()) seconds[child] = cpu_seconds_of(child);
  return seconds;
}

// The child that has worked most since then: a worker of the job, for a planner does not.
pid_t busiest_since(const std::map<pid_t, double>& before) {
  pid_t busiest = 0;
  double most = 0;
  for (const auto& [child, seconds] : cpu_of_children()) {
    const auto known = before.find(child);
    const double used = seconds - (known == before.end() ? 0 : known->second);
    if (used > most) {
      most = used;
      busiest = child;
    }
  }
  if (busiest == 0) throw std::runtime_error("no worker was seen to work");
  return busiest;
}

// Stopped from its construction on, and never left so.
class StoppedProcess {
 public:
  explicit StoppedProcess(pid_t pid) : pid_(pid) { kill(pid_, SIGSTOP); }
  ~StoppedProcess() { kill(pid_, SIGCONT); }
  StoppedProcess(const StoppedProcess&) = delete;
  StoppedProcess& operator=(const StoppedProcess&) = delete;

 private:
  pid_t pid_;
};

void wait_for_items(const Job& job, std::int64_t items, Clock::time_point deadline) {
  while (job.progress().items_done < items) {
    if (Clock::now() > deadline) throw std::runtime_error("the other workers do not carry on");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

struct SlowMap {
  std::int64_t chunks;
  double chunk_seconds;
  JobSpec job;
};

// Until all chunks are done but the one that the stopped worker has begun: a lease of slow chunks
// is one chunk.
double seconds_with_one_stopped(Engine& engine, const SlowMap& map) {
  const auto before = cpu_of_children();
  const auto start = Clock::now();
  const auto deadline =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                  10 + 10 * static_cast<double>(map.chunks) * map.chunk_seconds));
  Job job = engine.submit(map.job);
  double seconds = 0;
  {
    wait_for_items(job, map.chunks / 10, deadline);
    const StoppedProcess stopped(busiest_since(before));
    wait_for_items(job, map.chunks - 1, deadline);
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  const Result result = job.wait();
  if (result.error()) throw *result.error();
  return seconds;
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const int workers = usable_cpus() + 1;
  const double chunk_seconds = options.smoke ? 0.001 : 0.01;
  const std::int64_t chunks = options.smoke ? 60 : 400;
  const SlowMap map{chunks, chunk_seconds,
                    work_job(chunks, iterations_for(1e9 * chunk_seconds), ChunkSize::items(1))};
  Engine with_stopped(with_bench_kernels(workers));
  Engine one_fewer(with_bench_kernels(workers - 1));
  std::vector<Contender> contenders = {
      {"one stopped", [&] { return seconds_with_one_stopped(with_stopped, map); }},
      {"one fewer", [&] { return seconds_of([&] { run_job(one_fewer, map.job); }); }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  std::vector<double> allowed;
  for (const double seconds : contenders[1].values) allowed.push_back(seconds + chunk_seconds);
  return {
      {fmt::format("one of {} workers stopped, time of {} and its chunk", workers, workers - 1),
       median_ratio(contenders[0].values, allowed),
       "",
       at_most(1.1),
       fmt::format("{} chunks of {:g} ms; stopped after a tenth of them; until all others are "
                   "done",
                   chunks, 1000 * chunk_seconds),
       quality,
       {{fmt::format("{} workers, one stopped, ms", workers), 1000 * median(contenders[0].values)},
        {fmt::format("{} workers, ms", workers - 1), 1000 * median(contenders[1].values)}}}};
}

}  // namespace gristmill::bench
