#include "bench/program.h"

#include <cstdlib>
#include <exception>
#include <stdexcept>

#include <fmt/core.h>
#include <unistd.h>

namespace {

// libgomp reads it while it is loaded, so it has to be there before: its idle threads would else
// spin and take the CPU from workers.
void let_openmp_wait_passively(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  execv("/proc/self/exe", argv);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gristmill::bench;
  let_openmp_wait_passively(argv);
  try {
    const Options options = parse_options(argc, argv);
    const std::vector<Figure> figures = measure(options);
    print_figures(figures, options);
    write_json(figures, options);
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "{}: {}\nusage: {} [--smoke] [--json FILE]\n{}", argv[0], error.what(),
               argv[0], kUsage);
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", argv[0], error.what());
    return 1;
  }
}
