#include "workers/kernel_call.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <gristmill/error.h>

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
  if (text_.message.empty()) {
    text_.message = "it answered status " + std::to_string(status) + " without a reason";
  }
  text_.message = "kernel \"" + kernel_name_ + "\": " + text_.message;
  const ErrorCode code = refused_ ? refusal_ : code_of(status);
  refused_ = false;
  ErrorText text = std::move(text_);
  tidy_up();
  throw Error(code, std::move(text));
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

void CallContext::set_error(void* context, const char* message, const char* hint) {
  auto* self = static_cast<CallContext*>(context);
  if (self->refused_) return;
  self->untidy_ = true;
  self->text_.message = message == nullptr ? "" : message;
  self->text_.hint = hint == nullptr ? "" : hint;
}

std::int32_t CallContext::cancelled(void* context) {
  const JobServices* services = static_cast<CallContext*>(context)->services_;
  return services != nullptr && services->cancel.raised() ? 1 : 0;
}

void CallContext::log(void* context, gm_log_level level, const char* message) {
  auto* self = static_cast<CallContext*>(context);
  if (self->services_ == nullptr || !self->services_->log || message == nullptr) return;
  if (self->log_lines_ > kMostLogLines) return;
  const bool last = self->log_lines_++ == kMostLogLines;
  const std::string_view text = last ? "further lines of this worker are left out" : message;
  self->services_->log(level, std::string(text.substr(0, kMostLogBytes)));
}

void CallContext::count(void* context, const char* name, std::int64_t amount) {
  std::vector<ipc::Counter>& counters = static_cast<CallContext*>(context)->counters_;
  if (name == nullptr) return;
  const std::string_view kept = std::string_view(name).substr(0, kMostCounterName);
  const auto found = std::find_if(counters.begin(), counters.end(),
                                  [&](const auto& counter) { return counter.name == kept; });
  if (found != counters.end()) {
    if (__builtin_add_overflow(found->value, amount, &found->value)) {
      found->value = amount < 0 ? INT64_MIN : INT64_MAX;
    }
  } else if (counters.size() < kMostCounters) {
    counters.push_back({std::string(kept), amount});
  }
}

void* CallContext::scratch(void* context, std::int64_t size_bytes) {
  auto* self = static_cast<CallContext*>(context);
  self->untidy_ = true;
  return self->scratch_.take(size_bytes);
}

const gm_array* CallContext::rows(void* context, std::int64_t count) {
  auto* self = static_cast<CallContext*>(context);
  if (self->services_ == nullptr || self->services_->rows == nullptr) return nullptr;
  try {
    return self->services_->rows->make_room(count);
  } catch (const Error& error) {
    self->refuse(error);
    return nullptr;
  }
}

gm_status CallContext::commit(void* context, std::int64_t count) {
  auto* self = static_cast<CallContext*>(context);
  if (self->services_ == nullptr || self->services_->rows == nullptr) return GM_INVALID;
  try {
    self->services_->rows->commit(count);
    return GM_OK;
  } catch (const Error& error) {
    self->refuse(error);
    return GM_INVALID;
  }
}

}  // namespace gristmill::workers
