#include <pthread.h>

#include "python/bindings.h"

namespace {

// What the parent's threads had nobody frees in a forked child, and that is no news to its user.
void expect_leaks_in_forks() {
  pthread_atfork(nullptr, nullptr, [] { nanobind::set_leak_warnings(false); });
}

}  // namespace

NB_MODULE(_core, module) {
  using namespace gristmill::python;
  expect_leaks_in_forks();
  bind_errors(module);
  bind_datasets(module);
  bind_jobs(module);
  bind_output(module);
  bind_engine(module);
  bind_calls(module);
  bind_functions(module);
  bind_workers(module);
}
