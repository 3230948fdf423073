#pragma once

#include <nanobind/nanobind.h>

#include "workers/kernel_host.h"

namespace gristmill::python {

// Runs Python functions as kernels: of each request the first input says which function it is, the
// others are its arrays. Takes the GIL whenever it enters Python.
class FunctionHost : public workers::KernelHost {
 public:
  // open: called for each job with the function's bytes and two lists of arrays, inputs and
  // outputs, each as (memory, dtype, shape); answers an object whose run(begin, end, rows) runs the
  // items, and whose answer is None or, for an exception, its message, its traceback and
  // its pickle, as text.
  explicit FunctionHost(nanobind::object open) : open_(std::move(open)) {}
  ~FunctionHost() override;

  std::vector<KernelInfo> describe() const override;
  std::uint64_t identity() const override { return 0; }
  ipc::Planned plan(const ipc::KernelRequest& request) const override;
  std::unique_ptr<workers::OpenKernel> open(const ipc::KernelRequest& request,
                                            const std::vector<workers::JobArray>& inputs,
                                            const std::vector<workers::JobArray>& outputs,
                                            std::int64_t accumulator_bytes,
                                            const workers::JobServices& services) const override;

 private:
  nanobind::object open_;
};

void bind_rows(nanobind::module_& module);

}  // namespace gristmill::python
