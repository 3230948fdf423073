#pragma once

#include <string>
#include <vector>

#include <gristmill/kernel.h>
#include <gristmill/kernel_info.h>

namespace gristmill::workers {

// The declarations of one kernel, as large as this version of the ABI has them: what a plug-in of
// an earlier minor version does not have is zero.
// Owns: the copies; texts and functions are the plug-in's.
class KernelTable {
 public:
  // Errors: kInvalid, naming the kernel or its number, for a kernel that is incomplete or of an
  // unknown pattern, dtype or flag.
  KernelTable(const std::string& path, std::uint32_t number, const gm_kernel* kernel);
  KernelTable(const KernelTable&) = delete;
  KernelTable& operator=(const KernelTable&) = delete;

  const gm_kernel& get() const { return kernel_; }
  KernelInfo info(const std::string& path) const;

 private:
  gm_kernel kernel_{};
  std::vector<gm_input_decl> inputs_;
  std::vector<gm_param_decl> params_;
  std::vector<gm_output_decl> outputs_;
};

}  // namespace gristmill::workers
