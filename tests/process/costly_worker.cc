// Stands in for the worker program: takes GRISTMILL_TEST_BYTES of memory and a tenth of a second of
// CPU time, prints to both of its outputs, and ends with 7.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

int main() {
  const std::vector<char> memory(
      static_cast<std::size_t>(std::atoll(std::getenv("GRISTMILL_TEST_BYTES"))), 'x');
  while (std::clock() < CLOCKS_PER_SEC / 10) {
  }
  std::printf("to stdout\n");
  std::fflush(stdout);
  std::fprintf(stderr, "to stderr, last %c\n", memory.empty() ? '-' : memory.back());
  return 7;
}
