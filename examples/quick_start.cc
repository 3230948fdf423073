// The distance from each place of a file to its nearest neighbour.
// usage: quick_start FILE.npy     FILE: latitude and longitude in degrees, N x 2, float64
#include <cstddef>
#include <exception>
#include <iostream>

#include <gristmill/engine.h>

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: quick_start FILE.npy\n";
    return 2;
  }
  gristmill::Engine engine({.workers = 2});
  const auto places = gristmill::Dataset::open(argv[1]);
  auto job = engine.submit({.kernel = "nearest", .inputs = {{"points", places}}});
  const auto result = job.wait();
  const auto km = result.array("distance").as<double>();  // a view, no copy

  for (std::size_t i = 0; i < km.size() && i < 5; ++i) {
    std::cout << "place " << i << ": " << km[i] << " km\n";
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "quick_start: " << error.what() << '\n';
  return 1;
}
