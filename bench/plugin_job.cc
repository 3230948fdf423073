#include "bench/plugin_job.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include <gristmill/kernel.hpp>

namespace gristmill::bench {
namespace {

struct HostContext {
  std::string message;
  std::string hint;
  const std::atomic<bool>* cancelled;
};

void set_error(void* context, const char* message, const char* hint) {
  auto& host = *static_cast<HostContext*>(context);
  host.message = message;
  host.hint = hint == nullptr ? "" : hint;
}

std::int32_t is_cancelled(void* context) {
  const auto& host = *static_cast<HostContext*>(context);
  return host.cancelled->load(std::memory_order_relaxed) ? 1 : 0;
}

// Calls call(host) and turns its status into an exception.
template <class Call>
void checked(const std::atomic<bool>& cancelled, const Call& call) {
  HostContext context{{}, {}, &cancelled};
  const gm_host host{sizeof(gm_host), 0, &context, &set_error, &is_cancelled};
  const gm_status status = call(&host);
  if (status != GM_OK) throw CallError(status, context.message, context.hint);
}

gm_param_value default_of(const gm_param_decl& decl) {
  gm_param_value value{};
  value.type = decl.type;
  value.text = decl.default_value;
  if (decl.type == GM_PARAM_BOOL) value.integer = std::string_view("true") == decl.default_value;
  if (decl.type == GM_PARAM_INT) value.integer = std::stoll(decl.default_value);
  if (decl.type == GM_PARAM_FLOAT) value.real = std::stod(decl.default_value);
  return value;
}

}  // namespace

gm_array array_of(gm_dtype dtype, const void* data, const std::vector<std::int64_t>& shape) {
  gm_array array{};
  array.data = const_cast<void*>(data);
  array.dtype = dtype;
  array.rank = static_cast<std::uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), array.shape);
  return array;
}

gm_param_value text_param(const char* text) {
  gm_param_value value{};
  value.type = GM_PARAM_STRING;
  value.text = text;
  return value;
}

PluginJob::PluginJob(const gm_plugin& plugin, PluginRequest request)
    : request_(std::move(request)) {
  resolve(plugin);
  plan_.struct_size = sizeof plan_;
  // The plan sees no data.
  std::vector<gm_array> shapes = request_.inputs;
  for (gm_array& shape : shapes) shape.data = nullptr;
  gm_request without_data = abi_request_;
  without_data.inputs = shapes.data();
  checked(cancelled_,
          [&](const gm_host* host) { return kernel_->plan(host, &without_data, &plan_); });
  allocate_outputs();
}

PluginJob::~PluginJob() = default;

void PluginJob::resolve(const gm_plugin& plugin) {
  for (std::uint32_t i = 0; i < plugin.kernel_count; ++i) {
    if (request_.kernel == plugin.kernels[i]->name) kernel_ = plugin.kernels[i];
  }
  if (kernel_ == nullptr) throw std::out_of_range("unknown kernel \"" + request_.kernel + "\"");
  request_.inputs.resize(kernel_->input_count);
  if (request_.wanted.empty()) request_.wanted.assign(kernel_->output_count, 1);
  for (std::uint32_t i = 0; i < kernel_->param_count; ++i) {
    const auto given = request_.params.find(kernel_->params[i].name);
    params_.push_back(given == request_.params.end() ? default_of(kernel_->params[i])
                                                     : given->second);
  }
  abi_request_ = {sizeof(gm_request),    kernel_->input_count,   kernel_->param_count,
                  kernel_->output_count, request_.inputs.data(), params_.data(),
                  request_.wanted.data()};
}

void PluginJob::allocate_outputs() {
  for (std::uint32_t k = 0; k < plan_.output_count; ++k) {
    gm_array& array = plan_.outputs[k];
    auto bytes = static_cast<std::size_t>(kernel::dtype_bytes(array.dtype));
    for (std::uint32_t axis = 0; axis < array.rank; ++axis) {
      bytes *= static_cast<std::size_t>(array.shape[axis]);
    }
    if (request_.wanted[k] == 0) bytes = 0;
    output_bytes_.push_back(bytes);
    outputs_.push_back(std::make_unique<std::byte[]>(bytes));
    std::memset(outputs_.back().get(), 0xAB, bytes);
    if (request_.wanted[k] != 0) array.data = outputs_.back().get();
  }
}

void PluginJob::run_all(std::int64_t chunk_size, std::size_t merged_at_once) {
  Worker worker(*this);
  if (is_reduce()) return reduce(worker, chunk_size, merged_at_once);
  for (std::int64_t begin = 0; begin < items(); begin += chunk_size) {
    worker.run(begin, std::min(begin + chunk_size, items()));
  }
}

PluginJob::Accumulator PluginJob::zeros() const {
  const auto bytes = static_cast<std::size_t>(plan_.accumulator_bytes);
  return Accumulator((bytes + sizeof(CacheLine) - 1) / sizeof(CacheLine));
}

void PluginJob::reduce(Worker& worker, std::int64_t chunk_size, std::size_t merged_at_once) {
  std::vector<Accumulator> partials;
  for (std::int64_t begin = 0; begin < items(); begin += chunk_size) {
    partials.push_back(zeros());
    worker.run(begin, std::min(begin + chunk_size, items()), partials.back().data());
  }
  while (partials.size() > 1) {
    std::vector<Accumulator> merged;
    for (std::size_t i = 0; i < partials.size(); ++i) {
      if (i % merged_at_once == 0) {
        merged.push_back(std::move(partials[i]));
      } else {
        worker.merge(merged.back().data(), partials[i].data());
      }
    }
    partials = std::move(merged);
  }
  if (partials.empty()) partials.push_back(zeros());
  worker.finish(partials.front().data());
}

PluginJob::Worker::Worker(PluginJob& job) : job_(job) {
  checked(job_.cancelled_, [&](const gm_host* host) {
    return job_.kernel_->open(host, &job_.abi_request_, &state_);
  });
}

PluginJob::Worker::~Worker() { job_.kernel_->close(state_); }

void PluginJob::Worker::run(std::int64_t begin, std::int64_t end, void* accumulator) {
  gm_chunk chunk{sizeof(gm_chunk), 0, begin, end, nullptr, accumulator, 0};
  if (job_.is_reduce()) {
    chunk.accumulator_bytes = job_.plan_.accumulator_bytes;
  } else {
    chunk.output_count = job_.plan_.output_count;
    chunk.outputs = job_.plan_.outputs;
  }
  checked(job_.cancelled_,
          [&](const gm_host* host) { return job_.kernel_->run(host, state_, &chunk); });
}

void PluginJob::Worker::merge(void* into, const void* from) {
  const gm_merge merge{sizeof(gm_merge), 0, into, from, job_.plan_.accumulator_bytes};
  checked(job_.cancelled_,
          [&](const gm_host* host) { return job_.kernel_->merge(host, state_, &merge); });
}

void PluginJob::Worker::finish(const void* accumulator) {
  const gm_finish finish{sizeof(gm_finish), job_.plan_.output_count, job_.plan_.outputs,
                         accumulator, job_.plan_.accumulator_bytes};
  checked(job_.cancelled_,
          [&](const gm_host* host) { return job_.kernel_->finish(host, state_, &finish); });
}

}  // namespace gristmill::bench
