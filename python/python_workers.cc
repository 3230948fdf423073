#include "python/python_workers.h"

#include "engine/process_launcher.h"
#include "engine/zygote_launcher.h"

namespace gristmill::python {
namespace {

engine::Program program_of(const std::vector<std::string>& words) {
  return {words.at(0), {words.begin() + 1, words.end()}};
}

}  // namespace

std::unique_ptr<engine::WorkerLauncher> python_workers(
    const std::vector<std::string>& worker, const std::optional<std::vector<std::string>>& zygote,
    std::int64_t memory_limit_bytes) {
  if (!zygote) {
    return std::make_unique<engine::ProcessLauncher>(program_of(worker), memory_limit_bytes);
  }
  return std::make_unique<engine::ZygoteLauncher>(program_of(*zygote), program_of(worker),
                                                  memory_limit_bytes);
}

}  // namespace gristmill::python
