#include <pthread.h>

#include "python/bindings.h"

namespace {

// When threads do not end, nobody frees what they have, and that is no news to the user.
void expect_leaks() { nanobind::set_leak_warnings(false); }

}  // namespace

NB_MODULE(_core, module) {
  using namespace gristmill::python;
  pthread_atfork(nullptr, nullptr, expect_leaks);  // the parent's threads
  module.def("expect_leaks", expect_leaks);
  bind_errors(module);
  bind_datasets(module);
  bind_jobs(module);
  bind_output(module);
  bind_engine(module);
  bind_calls(module);
  bind_functions(module);
  bind_workers(module);
}
