#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/worker_launcher.h"

namespace gristmill::python {

// How workers that are Python interpreters are started. The words of the programs, of which the
// first is a path; without a zygote each worker is started by itself.
std::unique_ptr<engine::WorkerLauncher> python_workers(
    const std::vector<std::string>& worker, const std::optional<std::vector<std::string>>& zygote,
    std::int64_t memory_limit_bytes);

}  // namespace gristmill::python
