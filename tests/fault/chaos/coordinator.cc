// gristmill-chaos-coordinator JOB FOLDER: runs one job and writes its outputs into the folder. Ends
// with 0 if it is done, with 1 if not. Killed at points of the coordinator (ipc/test_point.h).
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

#include <gristmill/dataset.h>
#include <gristmill/job.h>
#include <gristmill/result.h>

#include "engine/engine_core.h"
#include "engine/process_launcher.h"
#include "engine/zygote_launcher.h"
#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/support/wait_until.h"

namespace gristmill::chaos {
namespace {

constexpr JobSize kSize{600, 10, 100'000};
constexpr int kWorkers = 2;

std::string in_bin(const char* name) { return std::string(GRISTMILL_BIN_DIR "/") + name; }

EngineCore engine_on(const std::string& job) {
  const engine::Program worker{in_bin("gristmill-worker")};
  std::unique_ptr<engine::WorkerLauncher> launcher;
  if (job == "zygote") {
    const engine::Program zygote{in_bin("gristmill-test-zygote")};
    launcher = std::make_unique<engine::ZygoteLauncher>(zygote, worker);
  } else {
    launcher = std::make_unique<engine::ProcessLauncher>(worker);
  }
  return {std::move(launcher),
          kWorkers,
          {in_bin("gristmill-test-chaos.so"), in_bin("gristmill-kernels.so")},
          0,
          -1,
          {.take = [](int, std::string_view) {}}};
}

// An array that nobody else has, in memory that is sealed here.
Dataset new_array() {
  constexpr std::int64_t kRows = 100'000;
  NewDataset array = Dataset::create(DType::kInt64, {kRows});
  auto* numbers = static_cast<std::int64_t*>(array.data());
  for (std::int64_t i = 0; i < kRows; ++i) numbers[i] = i * i;
  return std::move(array).seal();
}

// One item is guilty; its chunk is not run again.
void add_guilt(JobSpec& spec, const std::string& how) {
  spec.params.insert({{"guilty_every", kSize.items}, {"how", how}});
  spec.faults.retries = 0;
}

JobSpec spec_of(const std::string& job, const std::filesystem::path& folder) {
  JobSpec spec = map_spec(kSize);
  spec.outputs = {{"", folder / "output.npy"}};
  if (job == "emit") spec.kernel = "chaos_emit";
  if (job == "copy") return {"copy", {{"", new_array()}}, {}, spec.outputs};
  if (job == "reduce") {
    spec.kernel = "chaos_digest";
    spec.outputs = {{"digest", folder / "digest.npy"}, {"sum", folder / "sum.npy"}};
  }
  if (job == "failing") add_guilt(spec, "exit0");
  if (job == "cancelled") add_guilt(spec, "hang");
  if (job == "hanging") {
    add_guilt(spec, "hang");
    spec.faults.on_error = OnError::kSkip;
    spec.faults.chunk_timeout = std::chrono::milliseconds(50);
  }
  if (job == "zygote") {
    add_guilt(spec, "exit0");
    spec.faults.on_error = OnError::kSkip;
    spec.faults.bisect = true;
  }
  return spec;
}

int run(const std::string& job, const std::filesystem::path& folder) {
  EngineCore engine = engine_on(job);
  Job running = engine.submit(spec_of(job, folder));
  if (job == "cancelled") {
    test::wait_until([&] { return running.progress().items_done > 0; });
    running.cancel();
  }
  return running.wait().done() ? 0 : 1;
}

}  // namespace
}  // namespace gristmill::chaos

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    return gristmill::chaos::run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gristmill-chaos-coordinator: %s\n", error.what());
    return 3;
  }
}
