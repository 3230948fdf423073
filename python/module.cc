#include "python/bindings.h"

NB_MODULE(_core, module) {
  using namespace gristmill::python;
  bind_errors(module);
  bind_datasets(module);
  bind_jobs(module);
  bind_output(module);
  bind_engine(module);
  bind_calls(module);
  bind_functions(module);
  bind_workers(module);
}
