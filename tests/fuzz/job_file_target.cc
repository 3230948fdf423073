#include <gristmill/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/job_file.h"
#include "ipc/unique_fd.h"
#include "tests/fuzz/target.h"

namespace gristmill::fuzz {
namespace {

// A file in memory, with a name.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> content)
      : fd_(::memfd_create("job.toml", MFD_CLOEXEC)) {
    require(fd_.get() >= 0, "there is memory for a file");
    const auto written = ::write(fd_.get(), content.data(), content.size());
    require(written == static_cast<ssize_t>(content.size()), "a file takes what is written");
  }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  ipc::UniqueFd fd_;
};

template <class Named>
bool names_are_unique(const std::vector<Named>& all) {
  std::set<std::string> names;
  for (const Named& one : all) names.insert(one.name);
  return names.size() == all.size();
}

void require_kept(const cli::JobRequest& request) {
  require(!request.kernel.empty(), "a job has a kernel");
  require(names_are_unique(request.inputs) && names_are_unique(request.outputs),
          "names are unique");
  require(request.workers.value_or(1) >= 1, "workers are at least one");
  require(request.memory_bytes.value_or(1) >= 1, "a memory limit is at least 1");
  require(request.cache_bytes.value_or(0) >= 0, "a cache limit is not negative");
  require(request.params.size() == request.param_places.size(), "each parameter has a place");
  for (const cli::InputArgument& input : request.inputs) {
    require(!input.path.empty(), "an input has a file");
    if (!input.layout) continue;
    require(input.layout->offset_bytes >= 0, "an offset is not negative");
    for (const std::int64_t length : input.layout->shape) {
      require(length >= 0, "a length is not negative");
    }
  }
}

void require_fit_for_terminal(const std::string& text) {
  require(std::ranges::none_of(
              text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }),
          "what is wrong is said without control characters");
}

}  // namespace
}  // namespace gristmill::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gristmill;
  const fuzz::MemoryFile file(fuzz::bytes_of(data, size));
  std::optional<cli::JobRequest> request;
  try {
    request = cli::read_job_file(file.path());
  } catch (const Error& error) {
    fuzz::require(error.code() == ErrorCode::kInvalid, "a bad job file is an error of the user");
    fuzz::require_fit_for_terminal(error.message());
    fuzz::require_fit_for_terminal(error.hint());
  }
  if (request) fuzz::require_kept(*request);
  return 0;
}
