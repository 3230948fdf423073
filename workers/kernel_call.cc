#include "workers/kernel_call.h"

#include <algorithm>
#include <new>
#include <utility>

#include <gristmill/error.h>

#include "ipc/codec.h"
#include "workers/emitted_rows.h"

namespace gristmill::workers {
namespace {

gm_param_value to_c(const ParamValue& value) {
  gm_param_value c{};
  if (const auto* boolean = std::get_if<bool>(&value)) {
    c.type = GM_PARAM_BOOL;
    c.integer = *boolean ? 1 : 0;
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    c.type = GM_PARAM_INT;
    c.integer = *integer;
  } else if (const auto* real = std::get_if<double>(&value)) {
    c.type = GM_PARAM_FLOAT;
    c.real = *real;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    c.type = GM_PARAM_STRING;
    c.text = text->c_str();
  } else if (const auto* list = std::get_if<std::vector<double>>(&value)) {
    c.type = GM_PARAM_LIST;
    c.list = list->data();
    c.list_length = static_cast<std::uint32_t>(list->size());
  }
  return c;
}

std::vector<JobArray> without_data(const ipc::KernelRequest& request) {
  std::vector<JobArray> arrays;
  for (const auto& spec : request.inputs) {
    JobArray& array = arrays.emplace_back();
    if (spec) array.spec = *spec;
  }
  return arrays;
}

ErrorCode code_of(gm_status status) {
  switch (status) {
    case GM_INVALID:
      return ErrorCode::kInvalid;
    case GM_NO_MEMORY:
      return ErrorCode::kResources;
    default:
      return ErrorCode::kFailed;
  }
}

}  // namespace

gm_array to_c(const JobArray& array) {
  if (array.spec.shape.size() > GM_MAX_RANK) {
    throw Error(ErrorCode::kInternal, "an array has more axes than the ABI of plug-ins");
  }
  gm_array c{};
  c.data = array.data;
  c.dtype = static_cast<gm_dtype>(array.spec.dtype);
  c.rank = static_cast<std::uint32_t>(array.spec.shape.size());
  std::copy(array.spec.shape.begin(), array.spec.shape.end(), c.shape);
  return c;
}

CRequest::CRequest(const gm_kernel& kernel, const ipc::KernelRequest& request)
    : CRequest(kernel, request, without_data(request)) {}

CRequest::CRequest(const gm_kernel& kernel, const ipc::KernelRequest& request,
                   const std::vector<JobArray>& inputs) {
  if (request.inputs.size() != kernel.input_count || inputs.size() != kernel.input_count ||
      request.params.size() != kernel.param_count ||
      request.outputs_wanted.size() != kernel.output_count) {
    throw Error(ErrorCode::kInternal, "a request does not match the kernel's declarations");
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs_.push_back(request.inputs[i] ? to_c(inputs[i]) : gm_array{});
  }
  for (const ParamValue& value : request.params) params_.push_back(to_c(value));
  wanted_.assign(request.outputs_wanted.begin(), request.outputs_wanted.end());
  request_.struct_size = sizeof(gm_request);
  request_.input_count = kernel.input_count;
  request_.param_count = kernel.param_count;
  request_.output_count = kernel.output_count;
  request_.inputs = inputs_.data();
  request_.params = params_.data();
  request_.output_wanted = wanted_.data();
}

CallContext::CallContext(std::string kernel_name, const JobServices* services)
    : kernel_name_(std::move(kernel_name)), services_(services) {
  host_.struct_size = sizeof(gm_host);
  host_.abi_minor = GM_ABI_MINOR;
  host_.context = this;
  host_.set_error = &CallContext::set_error;
  host_.cancelled = &CallContext::cancelled;
  host_.log = &CallContext::log;
  host_.count = &CallContext::count;
  host_.scratch = &CallContext::scratch;
  host_.rows = &CallContext::rows;
  host_.commit = &CallContext::commit;
}

void CallContext::fail(gm_status status) {
  if (thrown_) rethrow();
  if (text_.message.empty()) {
    text_.message = status == GM_NO_MEMORY
                        ? "out of memory"
                        : "it answered status " + std::to_string(status) + " without a reason";
  }
  text_.message = "kernel \"" + kernel_name_ + "\": " + text_.message;
  const ErrorCode code = refused_ ? refusal_ : code_of(status);
  refused_ = false;
  ErrorText text = std::move(text_);
  tidy_up();
  throw Error(code, std::move(text));
}

void CallContext::rethrow() {
  const std::exception_ptr thrown = std::exchange(thrown_, nullptr);
  refused_ = false;
  tidy_up();
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kResources, "kernel \"" + kernel_name_ + "\": out of memory");
  }
}

void CallContext::tidy_up() {
  scratch_.reset();
  text_ = {};
  untidy_ = false;
}

void CallContext::refuse(const Error& error) {
  if (refused_) return;
  refused_ = true;
  refusal_ = error.code();
  text_ = error.text();
}

template <class Result, class Body>
Result CallContext::guarded(void* context, Result otherwise, const Body& body) noexcept {
  auto& self = *static_cast<CallContext*>(context);
  try {
    return body(self);
  } catch (...) {
    if (!self.thrown_) self.thrown_ = std::current_exception();
    return otherwise;
  }
}

void CallContext::set_error(void* context, const char* message, const char* hint) noexcept {
  guarded(context, false, [&](CallContext& self) {
    if (self.refused_) return true;
    self.untidy_ = true;
    self.text_.message = message == nullptr ? "" : message;
    self.text_.hint = hint == nullptr ? "" : hint;
    return true;
  });
}

std::int32_t CallContext::cancelled(void* context) noexcept {
  const JobServices* services = static_cast<CallContext*>(context)->services_;
  return services != nullptr && services->cancel.raised() ? 1 : 0;
}

void CallContext::log(void* context, gm_log_level level, const char* message) noexcept {
  guarded(context, false, [&](CallContext& self) {
    if (message != nullptr) self.keep_line(level, message);
    return true;
  });
}

void CallContext::keep_line(gm_log_level level, std::string_view message) {
  if (services_ == nullptr || !services_->log || log_lines_ > kMostLogLines) return;
  const bool last = log_lines_++ == kMostLogLines;
  const std::string_view text = last ? "further lines of this worker are left out" : message;
  services_->log(level, ipc::fitting(std::string(text), kMostLogBytes));
}

void CallContext::count(void* context, const char* name, std::int64_t amount) noexcept {
  guarded(context, false, [&](CallContext& self) {
    if (name != nullptr) self.add_to_counter(ipc::fitting(name, kMostCounterName), amount);
    return true;
  });
}

void CallContext::add_to_counter(std::string_view name, std::int64_t amount) {
  const auto found = std::find_if(counters_.begin(), counters_.end(),
                                  [&](const auto& counter) { return counter.name == name; });
  if (found != counters_.end()) {
    if (__builtin_add_overflow(found->value, amount, &found->value)) {
      found->value = amount < 0 ? INT64_MIN : INT64_MAX;
    }
  } else if (counters_.size() < kMostCounters) {
    counters_.push_back({std::string(name), amount});
  }
}

void* CallContext::scratch(void* context, std::int64_t size_bytes) noexcept {
  return guarded<void*>(context, nullptr, [&](CallContext& self) {
    self.untidy_ = true;
    return self.scratch_.take(size_bytes);
  });
}

const gm_array* CallContext::rows(void* context, std::int64_t count) noexcept {
  return guarded<const gm_array*>(context, nullptr, [&](CallContext& self) -> const gm_array* {
    if (self.services_ == nullptr || self.services_->rows == nullptr) return nullptr;
    try {
      return self.services_->rows->make_room(count);
    } catch (const Error& error) {
      self.refuse(error);
      return nullptr;
    }
  });
}

gm_status CallContext::commit(void* context, std::int64_t count) noexcept {
  return guarded<gm_status>(context, GM_INVALID, [&](CallContext& self) -> gm_status {
    if (self.services_ == nullptr || self.services_->rows == nullptr) return GM_INVALID;
    try {
      self.services_->rows->commit(count);
      return GM_OK;
    } catch (const Error& error) {
      self.refuse(error);
      return GM_INVALID;
    }
  });
}

}  // namespace gristmill::workers
