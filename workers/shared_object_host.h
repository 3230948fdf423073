#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gristmill/kernel.h>

#include "workers/kernel_host.h"

namespace gristmill::workers {

// Runs the kernels of a shared object that follows kernel.h.
// Owns: the loaded object; open kernels must be gone before it. It is never unloaded: a plug-in's
// destructors and threads must not run in the middle of a worker's life.
// Errors: kInvalid for a file that is no plug-in of this ABI, with both sides named.
class SharedObjectHost : public KernelHost {
 public:
  explicit SharedObjectHost(std::string path);

  std::vector<KernelInfo> describe() const override;
  ipc::Planned plan(const ipc::KernelRequest& request) const override;
  std::unique_ptr<OpenKernel> open(const ipc::KernelRequest& request,
                                   const std::vector<JobArray>& inputs,
                                   const std::vector<JobArray>& outputs,
                                   std::int64_t accumulator_bytes,
                                   const CancelFlag& cancel) const override;

 private:
  const gm_kernel& find(const std::string& name) const;

  std::string path_;
  const gm_plugin* plugin_;
};

}  // namespace gristmill::workers
