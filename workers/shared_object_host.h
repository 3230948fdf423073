#pragma once

#include <memory>
#include <string>
#include <vector>

#include "workers/kernel_host.h"
#include "workers/kernel_table.h"

namespace gristmill::workers {

// Runs the kernels of a shared object that follows kernel.h.
// Lifetime: open kernels must be gone before it. Errors: kInvalid for a file that is refused, see
// plugin_file.h.
class SharedObjectHost : public KernelHost {
 public:
  explicit SharedObjectHost(std::string path);

  std::vector<KernelInfo> describe() const override;
  std::uint64_t identity() const override { return identity_; }
  ipc::Planned plan(const ipc::KernelRequest& request) const override;
  std::unique_ptr<OpenKernel> open(const ipc::KernelRequest& request,
                                   const std::vector<JobArray>& inputs,
                                   const std::vector<JobArray>& outputs,
                                   std::int64_t accumulator_bytes,
                                   const JobServices& services) const override;

 private:
  const gm_kernel& find(const std::string& name) const;

  std::string path_;
  std::uint64_t identity_ = 0;
  std::vector<std::unique_ptr<const KernelTable>> kernels_;
};

// For plug-ins that are named by the path of a shared object.
HostFactory shared_object_hosts();

}  // namespace gristmill::workers
