#include "tests/fault/chaos/chaos_jobs.h"

#include <algorithm>
#include <stdexcept>

namespace gristmill::chaos {

std::unique_ptr<Engine> engine_of(int workers, const std::string& worker_program,
                                  std::int64_t worker_memory_bytes) {
  EngineOptions options;
  options.workers = workers;
  options.plugins = {GRISTMILL_BIN_DIR "/gristmill-test-chaos.so"};
  options.worker_program =
      worker_program.empty() ? GRISTMILL_BIN_DIR "/gristmill-worker" : worker_program;
  options.worker_memory_bytes = worker_memory_bytes;
  // Backtraces of crashes that are meant.
  options.worker_output = [](int, std::string_view) {};
  return std::make_unique<Engine>(std::move(options));
}

std::string worker_with_test_points() { return GRISTMILL_BIN_DIR "/gristmill-worker-test-points"; }

std::vector<std::byte> bytes_of(const Result& result) {
  std::vector<std::byte> bytes;
  for (const JobPlan::OutputPlan& output : result.summary().plan.outputs) {
    for (const ArrayView& part : result.parts(output.name)) {
      const auto* first = static_cast<const std::byte*>(part.data());
      bytes.insert(bytes.end(), first, first + part.size_bytes());
    }
  }
  return bytes;
}

bool ChaosJob::is_equal(const Result& result) const {
  return result.done() && bytes_of(result) == expected;
}

std::string ChaosJob::difference(const Result& result) const {
  const std::vector<std::byte> bytes = bytes_of(result);
  if (bytes.size() != expected.size()) {
    return std::to_string(bytes.size()) + " bytes instead of " + std::to_string(expected.size());
  }
  std::size_t different = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) different += bytes[i] != expected[i] ? 1 : 0;
  const auto first = std::mismatch(bytes.begin(), bytes.end(), expected.begin()).first;
  return std::to_string(different) + " of " + std::to_string(bytes.size()) +
         " bytes are others, the first at " + std::to_string(first - bytes.begin());
}

JobSpec map_spec(const JobSize& size) {
  JobSpec spec;
  spec.kernel = "chaos_map";
  spec.params = {{"items", size.items}, {"work_ns", size.work_ns}};
  spec.chunk_size = ChunkSize::items(size.chunk_items);
  return spec;
}

ChaosJobs::ChaosJobs(const JobSize& size) {
  const JobSpec map = map_spec(size);
  add("map", map);
  for (const auto& [name, kernel] :
       {std::pair("exact reduce", "chaos_count"), std::pair("reduce", "chaos_digest"),
        std::pair("emit", "chaos_emit"), std::pair("emit into a file", "chaos_emit")}) {
    JobSpec spec = map;
    spec.kernel = kernel;
    if (std::string(name) == "emit into a file") spec.outputs = {{"", folder_ / "emitted.npy"}};
    add(name, std::move(spec));
  }
}

void ChaosJobs::add_bisected(const JobSize& size) {
  JobSpec spec = map_spec(size);
  spec.params.insert({{"guilty_every", size.items}, {"how", std::string("exit0")}});
  spec.faults.retries = 0;
  spec.faults.on_error = OnError::kSkip;
  spec.faults.bisect = true;
  add("map that bisects", std::move(spec));
}

void ChaosJobs::add(std::string name, JobSpec spec) {
  const auto engine = engine_of(1);
  const Result result = engine->submit(spec).wait();
  if (!result.done()) throw std::runtime_error("the undisturbed " + name + " was not done");
  jobs_.push_back({std::move(name), std::move(spec), bytes_of(result)});
}

}  // namespace gristmill::chaos
