// How long it takes until the first chunk of a job runs: with an engine that is up, on sparse .npy
// files of several sizes; and for the command line from its start. A fresh file each round.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <gristmill/engine.h>

#include "bench/bench_engine.h"
#include "bench/median.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 15;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr std::int64_t kColumns = 1024;

const fs::path kBin = GRISTMILL_BIN_DIR;
const fs::path kPlugin = kBin / "gristmill-bench-kernels.so";

// A float64 array of rows x kColumns, all holes.
void write_sparse_npy(const fs::path& path, std::int64_t size_bytes) {
  const std::int64_t rows = size_bytes / kColumns / 8;
  std::string header = fmt::format(
      "{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", rows, kColumns);
  header.resize(117, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(header.size()) << '\0' << header;
  file.close();
  fs::resize_file(path, 10 + header.size() + static_cast<std::uintmax_t>(size_bytes));
}

double milliseconds_since(Clock::time_point start, const ArrayView& nanoseconds) {
  const auto times = nanoseconds.as<std::int64_t>();
  const auto first = *std::min_element(times.begin(), times.end());
  return static_cast<double>(first - start.time_since_epoch().count()) / 1e6;
}

double open_and_run(Engine& engine, const fs::path& file) {
  const auto start = Clock::now();
  const Dataset rows = Dataset::open(file);
  Job job = engine.submit({.kernel = "clock", .inputs = {{"rows", rows}}});
  return milliseconds_since(start, job.wait().array());
}

double run_command(const fs::path& file, const fs::path& output) {
  const std::string program = kBin / "gristmill";
  const std::vector<std::string> words = {
      program,         "run",      "clock",          "--input",    file.string(), "--output",
      output.string(), "--plugin", kPlugin.string(), "--progress", "none"};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1, 0);
  const auto start = Clock::now();
  pid_t pid = 0;
  int status = 0;
  if (posix_spawn(&pid, program.c_str(), &quiet, nullptr, arguments.data(), environ) != 0 ||
      waitpid(pid, &status, 0) != pid || status != 0) {
    throw std::runtime_error("gristmill did not run");
  }
  posix_spawn_file_actions_destroy(&quiet);
  return milliseconds_since(start, Dataset::open(output).view());
}

// A folder of its own under the current one: a sparse file needs no space, but memory would.
class Folder {
 public:
  Folder() : path_(fs::current_path() / fmt::format("gristmill-first-chunk-{}", getpid())) {
    fs::create_directory(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<Figure> first_chunk(std::int64_t size_bytes, const Options& options) {
  const Folder folder;
  const fs::path file = folder.path() / "input.npy";
  const fs::path output = folder.path() / "output.npy";
  Engine engine(with_bench_kernels(0));
  std::vector<Contender> contenders = {{"engine up",
                                        [&] {
                                          write_sparse_npy(file, size_bytes);
                                          return open_and_run(engine, file);
                                        }},
                                       {"command line", [&] {
                                          write_sparse_npy(file, size_bytes);
                                          return run_command(file, output);
                                        }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  const auto figure = [&](const char* from, const Contender& contender) {
    return Figure{fmt::format("{} to the first chunk, {} MiB file", from, size_bytes >> 20),
                  median(contender.values),
                  "ms",
                  {},
                  "a sparse file, mapped",
                  quality,
                  {{"longest, ms", quantile(contender.values, 1)}}};
  };
  return {figure("engine up, from open", contenders[0]),
          figure("command line, from its start", contenders[1])};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  std::vector<Figure> figures;
  for (const std::int64_t size : {kGiB / 64, 16 * kGiB}) {
    for (Figure& figure : first_chunk(size, options)) figures.push_back(std::move(figure));
    if (options.smoke) break;
  }
  return figures;
}

}  // namespace gristmill::bench
