#include "workers/kernel_call.h"

#include <algorithm>

#include <gristmill/error.h>

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

CallContext::CallContext(std::string kernel_name, const CancelFlag* cancel)
    : kernel_name_(std::move(kernel_name)), cancel_(cancel) {
  host_.struct_size = sizeof(gm_host);
  host_.context = this;
  host_.set_error = &CallContext::set_error;
  host_.cancelled = &CallContext::cancelled;
}

void CallContext::fail(gm_status status) {
  if (text_.message.empty()) {
    text_.message = "it answered status " + std::to_string(status) + " without a reason";
  }
  text_.message = "kernel \"" + kernel_name_ + "\": " + text_.message;
  throw Error(code_of(status), std::move(text_));
}

void CallContext::set_error(void* context, const char* message, const char* hint) {
  ErrorText& text = static_cast<CallContext*>(context)->text_;
  text.message = message == nullptr ? "" : message;
  text.hint = hint == nullptr ? "" : hint;
}

std::int32_t CallContext::cancelled(void* context) {
  const CancelFlag* cancel = static_cast<CallContext*>(context)->cancel_;
  return cancel != nullptr && cancel->raised() ? 1 : 0;
}

}  // namespace gristmill::workers
