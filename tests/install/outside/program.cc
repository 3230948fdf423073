// program PLUGIN.so FILE.npy: runs row_norm, and the built-in nearest.
#include <exception>
#include <iostream>

#include <gristmill/engine.h>

int main(int, char** argv) try {
  gristmill::Engine engine({.workers = 2, .plugins = {argv[1]}});
  const auto data = gristmill::Dataset::open(argv[2]);
  for (const auto& [kernel, output] : {std::pair("row_norm", "norm"), {"nearest", "distance"}}) {
    const auto result = engine.submit({.kernel = kernel, .inputs = {{"", data}}}).wait();
    if (!result.done()) throw *result.error();
    std::cout << output << ' ' << result.array(output).as<double>()[0] << '\n';
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
