#pragma once

#include <string>
#include <vector>

#include <gristmill/kernel.h>

#include "workers/kernel_host.h"

// The C structures that a kernel's functions are called with, and what they answer.
namespace gristmill::workers {

gm_array to_c(const JobArray& array);

// A request as the kernel sees it. Lifetime: the request that it was made from outlives it.
// Errors: kInternal if the request does not have the kernel's numbers of inputs, params and
// outputs.
class CRequest {
 public:
  // Without arrays: for planning.
  CRequest(const gm_kernel& kernel, const ipc::KernelRequest& request);
  CRequest(const gm_kernel& kernel, const ipc::KernelRequest& request,
           const std::vector<JobArray>& inputs);
  CRequest(const CRequest&) = delete;
  CRequest& operator=(const CRequest&) = delete;

  const gm_request& get() const { return request_; }

 private:
  std::vector<gm_array> inputs_;
  std::vector<gm_param_value> params_;
  std::vector<std::uint8_t> wanted_;
  gm_request request_{};
};

// The services of the host for the calls of one kernel, and the error that it set.
class CallContext {
 public:
  // cancel may be null: nothing can be cancelled.
  CallContext(std::string kernel_name, const CancelFlag* cancel);
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  const gm_host* host() const { return &host_; }
  // Does nothing for GM_OK. Errors: what the status and the text that the kernel set say.
  void require_ok(gm_status status) {
    if (status != GM_OK) fail(status);
  }

 private:
  [[noreturn]] void fail(gm_status status);
  static void set_error(void* context, const char* message, const char* hint);
  static std::int32_t cancelled(void* context);

  std::string kernel_name_;
  const CancelFlag* cancel_;
  ErrorText text_;
  gm_host host_{};
};

}  // namespace gristmill::workers
