// The built-in kernels on the places of examples/data, against OpenMP and a plain loop over the
// same chunks and the same machine code.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gristmill/engine.h>

#include "bench/bench_engine.h"
#include "bench/median.h"
#include "bench/npy_points.h"
#include "bench/plugin_job.h"
#include "bench/program.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::bench {
namespace {

constexpr int kRounds = 5;

// A kernel on a file.
struct Case {
  std::string kernel;
  std::string file;
  std::int64_t chunk_size;
  Points points;
};

PluginRequest request_for(const Case& job) {
  const Points& points = job.points;
  return {job.kernel, {array_of(points.values, {points.rows, points.columns})}};
}

std::vector<std::byte> outputs_of(const PluginJob& job) {
  std::vector<std::byte> all;
  for (std::size_t k = 0; k < job.output_count(); ++k) {
    const auto bytes = job.output_bytes(k);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

std::vector<std::byte> run_plain(const Case& job) {
  PluginJob plain(*gm_plugin_query(), request_for(job));
  plain.run_all(job.chunk_size);
  return outputs_of(plain);
}

std::vector<std::byte> run_openmp(const Case& job) {
  PluginJob shared(*gm_plugin_query(), request_for(job));
  const std::int64_t size = job.chunk_size;
  const std::int64_t chunks = (shared.items() + size - 1) / size;
#pragma omp parallel num_threads(usable_cpus())
  {
    PluginJob::Worker worker(shared);
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      worker.run(chunk * size, std::min((chunk + 1) * size, shared.items()));
    }
  }
  return outputs_of(shared);
}

// The same job by worker processes that are up; its dataset is placed. Opening the job, mapping and
// the gathering of the results are inside the measured time.
std::vector<std::byte> run_gristmill(Engine& engine, const Case& job, const Dataset& points) {
  const Result result = run_job(engine, {.kernel = job.kernel,
                                         .inputs = {{"points", points}},
                                         .chunk_size = ChunkSize::items(job.chunk_size)});
  std::vector<std::byte> all;
  for (const JobPlan::OutputPlan& output : result.summary().plan.outputs) {
    const ArrayView view = result.array(output.name);
    const auto* bytes = static_cast<const std::byte*>(view.data());
    all.insert(all.end(), bytes, bytes + view.size_bytes());
  }
  return all;
}

Figure against_openmp(Engine& engine, const Case& job, const Options& options) {
  const Dataset points = Dataset::open(job.file);
  const std::vector<std::byte> expected = run_gristmill(engine, job, points);
  const auto checked = [&](const std::string& name, const auto& run) {
    return Contender{name, [&expected, name, run] {
                       std::vector<std::byte> outputs;
                       const double seconds = seconds_of([&] { outputs = run(); });
                       if (outputs == expected) return seconds;
                       throw std::runtime_error(name + " has other bits than gristmill");
                     }};
  };
  std::vector<Contender> contenders = {
      checked("gristmill", [&] { return run_gristmill(engine, job, points); }),
      checked("OpenMP", [&] { return run_openmp(job); }),
      checked("a plain loop", [&] { return run_plain(job); })};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  const PluginJob shape(*gm_plugin_query(), request_for(job));
  const auto seconds = [&](std::size_t i) { return median(contenders[i].values); };
  const double rows = static_cast<double>(job.points.rows);
  return {fmt::format("{} of {} places, speed of OpenMP dynamic,1", job.kernel, job.points.rows),
          median_ratio(contenders[1].values, contenders[0].values),
          "",
          {},
          fmt::format("chunks of {}, {}, mapped file; the same bits", job.chunk_size,
                      shape.plan().instruction_set),
          quality,
          {{"gristmill, s", seconds(0)},
           {"OpenMP dynamic,1, s", seconds(1)},
           {"a plain loop, s", seconds(2)},
           {"gristmill, pairs a nanosecond", 1e-9 * rows * (rows - 1) / seconds(0)}}};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const std::string file = GRISTMILL_DATA_DIR "/cities_us.npy";
  Engine engine({.workers = usable_cpus()});
  std::vector<Figure> figures;
  for (const char* kernel : {"mean_distance", "nearest"}) {
    Case job{kernel, file, 0, read_npy_points(file)};
    job.chunk_size = std::max<std::int64_t>(1, job.points.rows / 2048);
    figures.push_back(against_openmp(engine, job, options));
    if (options.smoke) break;
  }
  return figures;
}

}  // namespace gristmill::bench
