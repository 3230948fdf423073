// One kernel on one file, run in several ways over the same chunks and the same machine code, in
// turns: bench_main_job FILE.npy [options], see kUsage.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/format.h>
#include <gristmill/engine.h>

#include "bench/npy_points.h"
#include "bench/plugin_job.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::bench {
namespace {

constexpr const char* kUsage =
    "usage: bench_main_job FILE.npy [--kernel NAME] [--chunk-size N] [--threads N] [--rounds N]\n"
    "                      [--json]\n"
    "  --kernel      mean_distance (default) or nearest\n"
    "  --chunk-size  rows per chunk (default: a 2048th of them)\n"
    "  --threads     of OpenMP, and workers of gristmill (default 2)\n"
    "  --rounds      how often each way runs, in turns (default 3)\n";

struct Options {
  std::string file;
  std::string kernel = "mean_distance";
  std::int64_t chunk_size = 0;
  int threads = 2;
  int rounds = 3;
  bool json = false;
};

// One way to run the job. Each call makes a job from scratch and answers its outputs.
struct Contender {
  std::string name;
  std::function<std::vector<std::byte>()> run;
  std::vector<double> wall_seconds = {};
  std::vector<double> cpu_seconds = {};
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool takes_value =
        word == "--kernel" || word == "--chunk-size" || word == "--threads" || word == "--rounds";
    if (takes_value && i + 1 == argc) throw std::invalid_argument(word + " needs a value");
    if (word == "--kernel") {
      options.kernel = argv[++i];
    } else if (word == "--chunk-size") {
      options.chunk_size = std::stoll(argv[++i]);
    } else if (word == "--threads") {
      options.threads = std::stoi(argv[++i]);
    } else if (word == "--rounds") {
      options.rounds = std::stoi(argv[++i]);
    } else if (word == "--json") {
      options.json = true;
    } else if (word.starts_with("-") || !options.file.empty()) {
      throw std::invalid_argument("not understood: " + word);
    } else {
      options.file = word;
    }
  }
  if (options.file.empty()) throw std::invalid_argument("no file");
  if (options.chunk_size < 0 || options.threads < 1 || options.rounds < 1) {
    throw std::invalid_argument("numbers must be positive");
  }
  return options;
}

PluginRequest request_for(const Options& options, const Points& points) {
  return {options.kernel, {array_of(points.values, {points.rows, points.columns})}};
}

std::vector<std::byte> outputs_of(const PluginJob& job) {
  std::vector<std::byte> all;
  for (std::size_t k = 0; k < job.output_count(); ++k) {
    const auto bytes = job.output_bytes(k);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

std::vector<std::byte> run_plain(const Options& options, const Points& points) {
  PluginJob job(*gm_plugin_query(), request_for(options, points));
  job.run_all(options.chunk_size);
  return outputs_of(job);
}

std::vector<std::byte> run_openmp(const Options& options, const Points& points) {
  PluginJob job(*gm_plugin_query(), request_for(options, points));
  const std::int64_t size = options.chunk_size;
  const std::int64_t chunks = (job.items() + size - 1) / size;
#pragma omp parallel num_threads(options.threads)
  {
    PluginJob::Worker worker(job);
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      worker.run(chunk * size, std::min((chunk + 1) * size, job.items()));
    }
  }
  return outputs_of(job);
}

// The same job by worker processes that are up; its dataset is placed. Opening the job, mapping and
// the gathering of the results are inside the measured time.
std::vector<std::byte> run_gristmill(Engine& engine, const Options& options,
                                     const Dataset& points) {
  const Result result = engine
                            .submit({.kernel = options.kernel,
                                     .inputs = {{"points", points}},
                                     .chunk_size = ChunkSize::items(options.chunk_size)})
                            .wait();
  std::vector<std::byte> all;
  for (const JobPlan::OutputPlan& output : result.summary().plan.outputs) {
    const ArrayView view = result.array(output.name);
    const auto* bytes = static_cast<const std::byte*>(view.data());
    all.insert(all.end(), bytes, bytes + view.size_bytes());
  }
  return all;
}

// This process's, so nothing for work that worker processes do.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

// How many times faster than the first, round by round: what disturbs a round disturbs both.
double speed_up(const Contender& first, const Contender& contender) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < first.wall_seconds.size(); ++i) {
    ratios.push_back(first.wall_seconds[i] / contender.wall_seconds[i]);
  }
  return median(ratios);
}

// Runs them in turns. Errors: std::runtime_error if their outputs differ in a bit.
void run_rounds(std::vector<Contender>& contenders, int rounds) {
  std::vector<std::byte> expected;
  for (int round = 0; round < rounds; ++round) {
    for (Contender& contender : contenders) {
      const auto start = std::chrono::steady_clock::now();
      const double cpu_start = cpu_seconds();
      const auto outputs = contender.run();
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
      contender.wall_seconds.push_back(wall.count());
      contender.cpu_seconds.push_back(cpu_seconds() - cpu_start);
      if (expected.empty()) expected = outputs;
      if (outputs != expected) {
        throw std::runtime_error(contender.name + " has other bits than " + contenders[0].name);
      }
    }
  }
}

void print_table(const std::vector<Contender>& contenders, double pairs) {
  fmt::print("{:<12} {:>9} {:>9} {:>14} {:>10}\n", "", "wall s", "cpu s", "cpu ns/pair",
             "speed-up");
  for (const Contender& contender : contenders) {
    const double cpu = median(contender.cpu_seconds);
    fmt::print("{:<12} {:>9.3f} {:>9.3f} {:>14.3f} {:>9.3f}x\n", contender.name,
               median(contender.wall_seconds), cpu, 1e9 * cpu / pairs,
               speed_up(contenders[0], contender));
  }
}

void print_json(const std::vector<Contender>& contenders, double pairs) {
  std::string entries;
  for (const Contender& contender : contenders) {
    entries += fmt::format(
        R"({}{{"name":"{}","wall_seconds":[{}],"cpu_seconds":[{}],"cpu_ns_per_pair":{:.4f},"speed_up":{:.4f}}})",
        entries.empty() ? "" : ",", contender.name, fmt::join(contender.wall_seconds, ","),
        fmt::join(contender.cpu_seconds, ","), 1e9 * median(contender.cpu_seconds) / pairs,
        speed_up(contenders[0], contender));
  }
  fmt::print("{{\"pairs\":{:.0f},\"contenders\":[{}]}}\n", pairs, entries);
}

void run_bench(Options options) {
  const Points points = read_npy_points(options.file);
  if (options.chunk_size == 0) options.chunk_size = std::max<std::int64_t>(1, points.rows / 2048);
  Engine engine({.workers = options.threads});
  const Dataset dataset = Dataset::open(options.file);
  std::vector<Contender> contenders = {
      {"plain loop", [&] { return run_plain(options, points); }},
      {fmt::format("openmp {}", options.threads), [&] { return run_openmp(options, points); }},
      {fmt::format("gristmill {}", options.threads),
       [&] { return run_gristmill(engine, options, dataset); }}};
  run_rounds(contenders, options.rounds);

  const PluginJob job(*gm_plugin_query(), request_for(options, points));
  const double pairs = static_cast<double>(points.rows) * static_cast<double>(points.rows - 1);
  if (options.json) return print_json(contenders, pairs);
  fmt::print("{}: {} points, chunks of {}, {}, medians of {} rounds\n", options.kernel, points.rows,
             options.chunk_size, job.plan().instruction_set, options.rounds);
  print_table(contenders, pairs);
}

}  // namespace
}  // namespace gristmill::bench

int main(int argc, char** argv) {
  try {
    gristmill::bench::run_bench(gristmill::bench::parse(argc, argv));
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "bench_main_job: {}\n{}", error.what(), gristmill::bench::kUsage);
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_main_job: {}\n", error.what());
    return 1;
  }
}
