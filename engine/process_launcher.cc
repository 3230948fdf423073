#include "engine/process_launcher.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace gristmill::engine {
namespace {

std::filesystem::path folder_of_this_program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

bool is_program(const std::filesystem::path& path) { return access(path.c_str(), X_OK) == 0; }

Error no_worker_program(const std::string& looked_at) {
  return Error(ErrorCode::kInvalid,
               {"could not find the worker program gristmill-worker: not at " + looked_at,
                {},
                "Set GRISTMILL_WORKER to its path."});
}

}  // namespace

ProcessLauncher::ProcessLauncher(Program program, std::int64_t memory_limit_bytes)
    : program_(std::move(program)), memory_limit_bytes_(memory_limit_bytes) {
  program_.path = std::filesystem::absolute(program_.path).string();
}

std::unique_ptr<WorkerProcess> ProcessLauncher::launch(ipc::Channel worker_end) {
  OutputPipe output;
  return start_process(program_, worker_end.fd(), &output);
}

std::filesystem::path find_worker_program(const std::filesystem::path& asked_for,
                                          const std::filesystem::path& installed) {
  const char* variable = std::getenv("GRISTMILL_WORKER");
  const std::filesystem::path named =
      !asked_for.empty() ? asked_for : std::filesystem::path(variable == nullptr ? "" : variable);
  if (!named.empty()) {
    if (is_program(named)) return std::filesystem::absolute(named);
    throw no_worker_program("\"" + named.string() + "\"");
  }
  const std::filesystem::path folder = folder_of_this_program();
  std::vector<std::filesystem::path> places = {
      folder / "gristmill-worker",
      folder.parent_path() / "libexec" / "gristmill" / "gristmill-worker"};
  // It goes up from a header, which is no folder: only names can be taken away.
  if (installed.is_absolute()) places.push_back(installed.lexically_normal());
  std::string looked_at;
  for (const std::filesystem::path& place : places) {
    if (is_program(place)) return place;
    looked_at += (looked_at.empty() ? "\"" : " nor at \"") + place.string() + "\"";
  }
  throw no_worker_program(looked_at);
}

}  // namespace gristmill::engine
