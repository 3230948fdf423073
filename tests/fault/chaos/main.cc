// gristmill-chaos STORM [--seed N] [--count N] [--full]: one line of JSON.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <thread>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/storm.h"

namespace gristmill::chaos {
namespace {

void print_usage() {
  std::fputs(
      "usage: gristmill-chaos STORM [--seed N] [--count N] [--full]\n\n"
      "Prints one line of JSON with what was really run; ends with 1 if a number is not what it\n"
      "should be. A hang ends it, with all stacks, after GRISTMILL_TEST_LIMIT seconds (300).\n\n",
      stderr);
  for (const Storm& storm : storms()) {
    std::fprintf(stderr, "  %-11s %s (%lld; with --full %lld)\n", storm.name, storm.summary,
                 static_cast<long long>(storm.short_count),
                 static_cast<long long>(storm.full_count));
  }
}

// What the storm of leftovers kills: jobs of all kinds, one after the other.
[[noreturn]] void run_until_killed(const std::filesystem::path& folder) {
  const auto engine = engine_of(3);
  JobSpec map = map_spec({4000, 10, 100'000});
  JobSpec emit = map;
  emit.kernel = "chaos_emit";
  JobSpec into_a_file = map;
  into_a_file.outputs = {{"", folder / "output.npy"}};
  std::ofstream(folder / "running") << "yes\n";
  for (;;) {
    for (const JobSpec& spec : {map, emit, into_a_file}) engine->submit(spec).wait();
  }
}

const Storm* find(const std::string& name) {
  for (const Storm& storm : storms()) {
    if (name == storm.name) return &storm;
  }
  return nullptr;
}

int run(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "run-until-killed") == 0) run_until_killed(argv[2]);
  const Storm* storm = argc > 1 ? find(argv[1]) : nullptr;
  if (storm == nullptr) {
    print_usage();
    return 2;
  }
  StormOptions options;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--full") {
      options.count = storm->full_count;
    } else if (word == "--seed" && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--count" && i + 1 < argc) {
      options.count = std::strtoll(argv[++i], nullptr, 10);
    } else {
      print_usage();
      return 2;
    }
  }
  std::fprintf(stderr, "gristmill-chaos: %s, seed %llu\n", storm->name,
               static_cast<unsigned long long>(options.seed));
  const StormReport report = run_storm(*storm, options);
  std::puts(report.json().c_str());
  return report.met() ? 0 : 1;
}

}  // namespace
}  // namespace gristmill::chaos

int main(int argc, char** argv) {
  // The thread sanitizer starts one of its own with the first, and keeps it.
  std::thread([] {}).join();
  try {
    return gristmill::chaos::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gristmill-chaos: %s\n", error.what());
    return 1;
  }
}
