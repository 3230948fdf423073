// Kernels that look at the process they run in.
#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <gristmill/kernel.hpp>

#include "tests/plugins/gate.h"

namespace gristmill::test {
namespace {

std::int64_t number_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? -1 : std::strtoll(text, nullptr, 10);
}

std::int64_t entries_of(const char* folder) {
  DIR* directory = opendir(folder);
  if (directory == nullptr) return -1;
  std::int64_t count = 0;
  while (const dirent* entry = readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(directory);
  return count;
}

// 1 if some descriptor of this process leads to the file.
std::int64_t has_open(const std::string& file) {
  for (int fd = 0; fd < 1024; ++fd) {
    char target[4096];
    const ssize_t size =
        readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == file) return 1;
  }
  return 0;
}

// One row per item: facts about the worker that ran it.
class Observe {
 public:
  static constexpr const char* kName = "observe";
  static constexpr const char* kSummary = "facts about the worker of each item";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1"),
      kernel::param<std::string_view>("file", "is it open in the worker?", "")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("facts",
                     "N x 6 int64: pid, threads, OMP_NUM_THREADS, OPENBLAS_NUM_THREADS, "
                     "MKL_NUM_THREADS, file is open")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("facts", {6});
  }
  explicit Observe(const kernel::Request& request)
      : file_(request.param<std::string_view>("file")) {}
  void run(const kernel::Chunk& chunk) const {
    const auto facts = chunk.output<std::int64_t>("facts");
    for (std::size_t i = 0; i < facts.size(); i += 6) {
      facts[i] = getpid();
      facts[i + 1] = entries_of("/proc/self/task");
      facts[i + 2] = number_of("OMP_NUM_THREADS");
      facts[i + 3] = number_of("OPENBLAS_NUM_THREADS");
      facts[i + 4] = number_of("MKL_NUM_THREADS");
      facts[i + 5] = has_open(file_);
    }
  }

 private:
  std::string file_;
};

// Each chunk reads one element of each page of the whole input, and then waits at the gate.
class TouchPages {
 public:
  static constexpr const char* kName = "touch_pages";
  static constexpr const char* kSummary = "the sum of one element per page, in each item";
  static constexpr gm_input_decl kInputs[] = {kernel::input("pages", "int64")};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1"),
      kernel::param<std::string_view>("folder", "the gate", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("sum", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("sum");
  }
  explicit TouchPages(const kernel::Request& request)
      : pages_(request.input("pages").as<std::int64_t>()),
        folder_(request.param<std::string_view>("folder")) {}
  void run(const kernel::Chunk& chunk) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < pages_.size(); i += 512) {
      sum += static_cast<std::uint64_t>(pages_[i]);
    }
    for (std::int64_t& item : chunk.output<std::int64_t>("sum")) {
      item = static_cast<std::int64_t>(sum);
    }
    announce(folder_, chunk.begin());
    wait_at_gate(chunk, folder_);
  }

 private:
  std::span<const std::int64_t> pages_;
  std::string folder_;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::Observe, gristmill::test::TouchPages)
