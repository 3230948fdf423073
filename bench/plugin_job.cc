#include "bench/plugin_job.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include <gristmill/kernel.hpp>

namespace gristmill::bench {
namespace {

gm_param_value default_of(const gm_param_decl& decl) {
  gm_param_value value{};
  value.type = decl.type;
  if (decl.default_value == nullptr) {
    throw std::invalid_argument(std::string("parameter \"") + decl.name + "\" must be given");
  }
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

// The services of a host, for one call. Of an emit, one worker at a time.
class PluginJob::Host {
 public:
  explicit Host(PluginJob& job) : job_(job) {
    host_.struct_size = sizeof(gm_host);
    host_.abi_minor = GM_ABI_MINOR;
    host_.context = this;
    host_.set_error = [](void* context, const char* message, const char* hint) {
      self(context).message_ = message;
      self(context).hint_ = hint == nullptr ? "" : hint;
    };
    host_.cancelled = [](void* context) -> std::int32_t {
      return self(context).job_.cancelled_.load(std::memory_order_relaxed) ? 1 : 0;
    };
    host_.log = [](void* context, gm_log_level, const char* message) {
      self(context).job_.log_.emplace_back(message);
    };
    host_.count = [](void* context, const char* name, std::int64_t amount) {
      self(context).job_.counters_[name] += amount;
    };
    host_.scratch = [](void* context, std::int64_t size_bytes) -> void* {
      auto& block = self(context).scratch_.emplace_back();
      block.resize(
          (static_cast<std::size_t>(size_bytes) + sizeof(CacheLine) - 1) / sizeof(CacheLine) + 1);
      return block.data();
    };
    host_.rows = [](void* context, std::int64_t count) { return self(context).rows(count); };
    host_.commit = [](void* context, std::int64_t count) { return self(context).commit(count); };
  }

  // Calls call(host) and turns its status into an exception.
  template <class Call>
  void call(const Call& call) {
    const gm_status status = call(&host_);
    if (status != GM_OK) throw CallError(status, message_, hint_);
  }

 private:
  static Host& self(void* context) { return *static_cast<Host*>(context); }

  std::size_t row_bytes(std::uint32_t k) const {
    const gm_array& array = job_.plan_.outputs[k];
    return static_cast<std::size_t>(kernel::detail::columns_of(array) *
                                    kernel::dtype_bytes(array.dtype));
  }
  const gm_array* rows(std::int64_t count) {
    granted_ = count;
    arrays_.assign(job_.plan_.outputs, job_.plan_.outputs + job_.kernel_->output_count);
    for (std::uint32_t k = 0; k < arrays_.size(); ++k) {
      if (job_.request_.wanted[k] == 0) continue;
      const std::size_t begin = row_bytes(k) * static_cast<std::size_t>(job_.emitted_rows_);
      // Room for no rows is not null.
      job_.outputs_[k].reserve(begin + row_bytes(k) * static_cast<std::size_t>(count) + 1);
      job_.outputs_[k].resize(begin + row_bytes(k) * static_cast<std::size_t>(count));
      arrays_[k].data = job_.outputs_[k].data() + begin;
      arrays_[k].shape[0] = count;
    }
    return arrays_.data();
  }
  gm_status commit(std::int64_t count) {
    if (count < 0 || count > granted_) return GM_INVALID;
    granted_ = 0;
    job_.emitted_rows_ += count;
    for (std::uint32_t k = 0; k < arrays_.size(); ++k) {
      if (job_.request_.wanted[k] == 0) continue;
      job_.outputs_[k].resize(row_bytes(k) * static_cast<std::size_t>(job_.emitted_rows_));
    }
    return GM_OK;
  }

  PluginJob& job_;
  gm_host host_{};
  std::string message_;
  std::string hint_;
  std::vector<std::vector<CacheLine>> scratch_;
  std::vector<gm_array> arrays_;
  std::int64_t granted_ = 0;
};

PluginJob::PluginJob(const gm_plugin& plugin, PluginRequest request)
    : request_(std::move(request)) {
  resolve(plugin);
  plan_.struct_size = sizeof plan_;
  plan_.flags = kernel_->flags;
  // The plan sees no data.
  std::vector<gm_array> shapes = request_.inputs;
  for (gm_array& shape : shapes) shape.data = nullptr;
  gm_request without_data = abi_request_;
  without_data.inputs = shapes.data();
  Host(*this).call([&](const gm_host* host) { return kernel_->plan(host, &without_data, &plan_); });
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

ipc::IndexSpace PluginJob::space() const {
  const auto length = [](std::int64_t given) { return given == 0 ? ipc::kDefaultTileRows : given; };
  return {static_cast<ipc::SpaceKind>(plan_.index_space),
          0,
          plan_.rows,
          plan_.columns,
          length(plan_.tile_rows),
          length(plan_.tile_columns)};
}

std::int64_t PluginJob::items() const {
  return space().has_tiles() ? ipc::tile_count(space()).value() : plan_.items;
}

void PluginJob::allocate_outputs() {
  outputs_.resize(kernel_->output_count);
  for (std::uint32_t k = 0; k < kernel_->output_count; ++k) {
    gm_array& array = plan_.outputs[k];
    if (kernel_->pattern == GM_EMIT || request_.wanted[k] == 0) continue;
    auto bytes = static_cast<std::size_t>(kernel::dtype_bytes(array.dtype));
    for (std::uint32_t axis = 0; axis < array.rank; ++axis) {
      bytes *= static_cast<std::size_t>(array.shape[axis]);
    }
    outputs_[k].reserve(bytes + 1);
    outputs_[k].assign(bytes, std::byte{0xAB});
    array.data = outputs_[k].data();
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
  Host(job_).call(
      [&](const gm_host* host) { return job_.kernel_->open(host, &job_.abi_request_, &state_); });
}

PluginJob::Worker::~Worker() { job_.kernel_->close(state_); }

void PluginJob::Worker::run(std::int64_t begin, std::int64_t end, void* accumulator) {
  const ipc::IndexSpace space = job_.space();
  if (!space.has_tiles()) return run_once(begin, end, {begin, end, 0, 0}, accumulator);
  for (std::int64_t item = begin; item < end; ++item) {
    run_once(item, item + 1, ipc::tile_at(space, item), accumulator);
  }
}

void PluginJob::Worker::run_once(std::int64_t begin, std::int64_t end, const ipc::Tile& tile,
                                 void* accumulator) {
  gm_chunk chunk{};
  chunk.struct_size = sizeof(gm_chunk);
  chunk.begin = begin;
  chunk.end = end;
  chunk.row_begin = tile.row_begin;
  chunk.row_end = tile.row_end;
  chunk.column_begin = tile.column_begin;
  chunk.column_end = tile.column_end;
  chunk.accumulator = accumulator;
  if (job_.is_reduce()) chunk.accumulator_bytes = job_.plan_.accumulator_bytes;
  if (job_.kernel_->pattern == GM_MAP) {
    chunk.output_count = job_.kernel_->output_count;
    chunk.outputs = job_.plan_.outputs;
  }
  Host(job_).call([&](const gm_host* host) { return job_.kernel_->run(host, state_, &chunk); });
}

void PluginJob::Worker::merge(void* into, const void* from) {
  const gm_merge merge{sizeof(gm_merge), 0, into, from, job_.plan_.accumulator_bytes};
  Host(job_).call([&](const gm_host* host) { return job_.kernel_->merge(host, state_, &merge); });
}

void PluginJob::Worker::finish(const void* accumulator) {
  const gm_finish finish{sizeof(gm_finish), job_.kernel_->output_count, job_.plan_.outputs,
                         accumulator, job_.plan_.accumulator_bytes};
  Host(job_).call([&](const gm_host* host) { return job_.kernel_->finish(host, state_, &finish); });
}

}  // namespace gristmill::bench
