// How long it takes until the first chunk of a job runs: with an engine that is up, on sparse .npy
// files of several sizes; and for the command line from its start. Times of a fresh file each
// round.
//
// usage: bench_first_chunk FOLDER     a folder for the sparse files and results
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gristmill/engine.h>

namespace gristmill::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 21;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr std::int64_t kColumns = 1024;

const fs::path kBin = GRISTMILL_BIN_DIR;
const fs::path kPlugin = kBin / "gristmill-bench-clock.so";

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

void print_times(const std::string& what, std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  fmt::print("{:<40} median {:6.2f} ms, max {:6.2f} ms\n", what,
             milliseconds[milliseconds.size() / 2], milliseconds.back());
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

void measure(const fs::path& folder) {
  const fs::path file = folder / "first_chunk_input.npy";
  const fs::path output = folder / "first_chunk_output.npy";
  for (const std::int64_t size : {kGiB / 64, 4 * kGiB, 16 * kGiB}) {
    std::vector<double> engine_is_up;
    std::vector<double> command;
    Engine engine({.plugins = {kPlugin}});
    for (int round = 0; round < kRounds; ++round) {
      write_sparse_npy(file, size);
      engine_is_up.push_back(open_and_run(engine, file));
      command.push_back(run_command(file, output));
    }
    const std::string label = fmt::format("{} MiB", size >> 20);
    print_times("engine up, open to first chunk, " + label, engine_is_up);
    print_times("command line, start to first chunk, " + label, command);
  }
  fs::remove(file);
  fs::remove(output);
}

}  // namespace
}  // namespace gristmill::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: bench_first_chunk FOLDER\n");
    return 2;
  }
  try {
    gristmill::bench::measure(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_first_chunk: {}\n", error.what());
    return 1;
  }
}
