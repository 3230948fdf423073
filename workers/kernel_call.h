#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/error.h>
#include <gristmill/kernel.h>

#include "workers/kernel_host.h"
#include "workers/scratch.h"

// The C structures that a kernel's functions are called with, and what they answer.
namespace gristmill::workers {

// Errors: kInternal for more axes than a gm_array has.
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

// What a kernel may add to in one worker and job.
inline constexpr std::size_t kMostCounters = 16;
inline constexpr std::size_t kMostCounterName = 64;
inline constexpr int kMostLogLines = 100;
inline constexpr std::size_t kMostLogBytes = 1000;

// The services of the host for the calls of one kernel, and the error that was set.
class CallContext {
 public:
  // services may be null, for planning: nothing can be cancelled, lines and rows go nowhere.
  CallContext(std::string kernel_name, const JobServices* services);
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  const gm_host* host() const { return &host_; }
  // Ends a call. Errors: what the status and the text that was set say; or what a service threw.
  void require_ok(gm_status status) {
    if (status != GM_OK || refused_ || thrown_) fail(status);
    if (untidy_) tidy_up();
  }
  const std::vector<ipc::Counter>& counters() const { return counters_; }

 private:
  [[noreturn]] void fail(gm_status status);
  [[noreturn]] void rethrow();
  // Takes scratch back, and a text that no status came with.
  void tidy_up();
  // The host's own refusal: it counts, whatever the kernel makes of it.
  void refuse(const Error& error);

  // Runs a service. No exception crosses the kernel: the first is kept for the end of the call, and
  // the kernel gets the other result.
  template <class Result, class Body>
  static Result guarded(void* context, Result otherwise, const Body& body) noexcept;

  static void set_error(void* context, const char* message, const char* hint) noexcept;
  static std::int32_t cancelled(void* context) noexcept;
  static void log(void* context, gm_log_level level, const char* message) noexcept;
  static void count(void* context, const char* name, std::int64_t amount) noexcept;
  static void* scratch(void* context, std::int64_t size_bytes) noexcept;
  static const gm_array* rows(void* context, std::int64_t count) noexcept;
  static gm_status commit(void* context, std::int64_t count) noexcept;

  void keep_line(gm_log_level level, std::string_view message);
  void add_to_counter(std::string_view name, std::int64_t amount);

  std::string kernel_name_;
  const JobServices* services_;
  ErrorText text_;
  bool refused_ = false;
  ErrorCode refusal_ = ErrorCode::kFailed;
  std::exception_ptr thrown_;
  bool untidy_ = false;
  Scratch scratch_;
  int log_lines_ = 0;
  std::vector<ipc::Counter> counters_;
  gm_host host_{};
};

}  // namespace gristmill::workers
