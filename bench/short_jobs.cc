// Jobs of one chunk, back to back: how long one takes, and what thousands of them leave behind.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "bench/bench_engine.h"
#include "bench/median.h"
#include "bench/processes.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 5;

// This process and its workers.
std::vector<std::string> process_folders() {
  std::vector<std::string> folders = {"/proc/self"};
  for (const pid_t child : children()) folders.push_back(fmt::format("/proc/{}", child));
  return folders;
}

double open_descriptors() {
  double count = 0;
  for (const std::string& folder : process_folders()) {
    const std::filesystem::directory_iterator descriptors(folder + "/fd");
    count += static_cast<double>(std::distance(begin(descriptors), end(descriptors)));
  }
  return count;
}

// Shared pages count once, split among those that map them.
double memory_bytes() {
  double kibibytes = 0;
  for (const std::string& folder : process_folders()) {
    kibibytes += number_in(folder + "/smaps_rollup", "Pss");
  }
  return 1024 * kibibytes;
}

std::vector<Figure> latency(const Options& options) {
  const int jobs = options.smoke ? 50 : 1000;
  Engine engine(with_bench_kernels(0));
  const JobSpec job = work_job(1, 0);
  run_job(engine, job);
  std::vector<double> p99;
  std::vector<double> longest;
  std::vector<Contender> contenders = {{"gristmill", [&] {
                                          std::vector<double> microseconds;
                                          for (int i = 0; i < jobs; ++i) {
                                            microseconds.push_back(
                                                1e6 * seconds_of([&] { run_job(engine, job); }));
                                          }
                                          p99.push_back(quantile(microseconds, 0.99));
                                          longest.push_back(quantile(microseconds, 1));
                                          return median(microseconds);
                                        }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  return {{fmt::format("{} jobs of one chunk back to back, median", jobs),
           median(contenders[0].values),
           "us",
           at_most(300),
           "from submit to result, by one thread; an empty kernel, workers up",
           quality,
           {{"p99, us", median(p99)}, {"longest, us", median(longest)}}}};
}

std::vector<Figure> leftovers(const Options& options) {
  const int jobs = options.smoke ? 100 : 10'000;
  Engine engine(with_bench_kernels(0));
  const JobSpec job = work_job(1, 0);
  // The first ones fill caches and allocators.
  for (int i = 0; i < jobs / 10; ++i) run_job(engine, job);
  const double descriptors = open_descriptors();
  const double memory = memory_bytes();
  for (int i = 0; i < jobs; ++i) run_job(engine, job);
  const std::string what = fmt::format("{} jobs in one engine", jobs);
  const std::string note = "this process and its workers, after a tenth as many more";
  return {
      {what + ", change of open descriptors", std::abs(open_descriptors() - descriptors), "",
       at_most(0), note},
      {what + ", growth of memory", (memory_bytes() - memory) / 1048576, "MiB", at_most(1), note}};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  std::vector<Figure> figures = latency(options);
  for (Figure& figure : leftovers(options)) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace gristmill::bench
