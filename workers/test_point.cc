#include "workers/test_point.h"

#ifdef GRISTMILL_TEST_POINTS
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace gristmill::workers {
namespace {

// The hit that a variable like "after-claim:3" asks for at this point; 0: none.
int wanted_hit(const char* variable, std::string_view name) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return 0;
  const std::string_view text(value);
  const std::size_t colon = text.find(':');
  if (text.substr(0, colon) != name) return 0;
  return colon == std::string_view::npos ? 1 : std::atoi(value + colon + 1);
}

struct Counter {
  const char* variable;
  int signal;
  int hits = 0;
};

}  // namespace

void pass_test_point(const char* name) {
  static Counter counters[] = {{"GRISTMILL_STOP", SIGSTOP}, {"GRISTMILL_KILL", SIGKILL}};
  for (Counter& counter : counters) {
    const int wanted = wanted_hit(counter.variable, name);
    if (wanted != 0 && ++counter.hits == wanted) raise(counter.signal);
  }
}

}  // namespace gristmill::workers
#endif
