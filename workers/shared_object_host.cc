#include "workers/shared_object_host.h"

#include <dlfcn.h>

#include <string>

#include <gristmill/error.h>

#include "workers/kernel_call.h"

namespace gristmill::workers {
namespace {

// What a message can carry.
constexpr std::uint32_t kMaxDeclared = 64;

Error refused(const std::string& path, const std::string& reason, std::string hint = {}) {
  return Error(ErrorCode::kInvalid,
               {"cannot load plug-in \"" + path + "\": " + reason, {}, std::move(hint)});
}

bool is_complete(const gm_kernel* kernel) {
  const auto declared = [](const void* declarations, std::uint32_t count, std::uint32_t most) {
    return count <= most && (count == 0 || declarations != nullptr);
  };
  return kernel != nullptr && kernel->struct_size == sizeof(gm_kernel) && kernel->name != nullptr &&
         kernel->plan != nullptr && kernel->open != nullptr && kernel->run != nullptr &&
         kernel->close != nullptr && kernel->pattern <= GM_REDUCE &&
         (kernel->pattern == GM_REDUCE) == (kernel->merge != nullptr) &&
         (kernel->pattern == GM_REDUCE) == (kernel->finish != nullptr) &&
         declared(kernel->inputs, kernel->input_count, kMaxDeclared) &&
         declared(kernel->params, kernel->param_count, kMaxDeclared) &&
         declared(kernel->outputs, kernel->output_count, GM_MAX_OUTPUTS);
}

void require_abi(const std::string& path, const gm_plugin* plugin) {
  if (plugin == nullptr || plugin->magic != GM_PLUGIN_MAGIC) {
    throw refused(path, "it does not identify itself as a plug-in of gristmill");
  }
  if (plugin->abi_major != GM_ABI_MAJOR || plugin->abi_minor != GM_ABI_MINOR ||
      plugin->struct_size != sizeof(gm_plugin) || plugin->kernel_struct_size != sizeof(gm_kernel)) {
    throw refused(path,
                  "it is built for plug-in ABI " + std::to_string(plugin->abi_major) + "." +
                      std::to_string(plugin->abi_minor) + " and this is " +
                      std::to_string(GM_ABI_MAJOR) + "." + std::to_string(GM_ABI_MINOR),
                  "Build it again with the headers of this version of gristmill.");
  }
  if (plugin->kernel_count == 0 || plugin->kernels == nullptr) {
    throw refused(path, "it has no kernels");
  }
  for (std::uint32_t i = 0; i < plugin->kernel_count; ++i) {
    if (!is_complete(plugin->kernels[i])) {
      throw refused(path, "its kernel number " + std::to_string(i) + " is incomplete");
    }
  }
}

const gm_plugin* load(const std::string& path) {
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) throw refused(path, dlerror());
  auto* query = reinterpret_cast<gm_plugin_query_function>(dlsym(object, GM_QUERY_SYMBOL));
  if (query == nullptr) {
    throw refused(path, "it does not export " GM_QUERY_SYMBOL,
                  "A plug-in registers its kernels with GRISTMILL_KERNELS (gristmill/kernel.hpp).");
  }
  const gm_plugin* plugin = query();
  require_abi(path, plugin);
  return plugin;
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

const char* name_of_type(gm_param_type type) {
  switch (type) {
    case GM_PARAM_BOOL:
      return "bool";
    case GM_PARAM_INT:
      return "int";
    case GM_PARAM_FLOAT:
      return "float";
    case GM_PARAM_STRING:
      return "string";
    case GM_PARAM_LIST:
      return "list";
    default:
      return "unknown";
  }
}

KernelInfo info_of(const gm_kernel& kernel, const std::string& path) {
  KernelInfo info;
  info.name = kernel.name;
  info.pattern = kernel.pattern == GM_REDUCE ? Pattern::kReduce : Pattern::kMap;
  info.summary = text_or_empty(kernel.summary);
  info.description = text_or_empty(kernel.description);
  info.plugin = path;
  for (std::uint32_t i = 0; i < kernel.input_count; ++i) {
    const gm_input_decl& input = kernel.inputs[i];
    info.inputs.push_back(
        {text_or_empty(input.name), text_or_empty(input.help), (input.flags & GM_OPTIONAL) != 0});
  }
  for (std::uint32_t i = 0; i < kernel.param_count; ++i) {
    const gm_param_decl& param = kernel.params[i];
    info.params.push_back({text_or_empty(param.name), name_of_type(param.type),
                           text_or_empty(param.default_value), text_or_empty(param.help)});
  }
  for (std::uint32_t i = 0; i < kernel.output_count; ++i) {
    info.outputs.push_back(
        {text_or_empty(kernel.outputs[i].name), text_or_empty(kernel.outputs[i].help)});
  }
  return info;
}

ipc::ArraySpec spec_of(const gm_array& array, const std::string& kernel) {
  if (array.dtype < 1 || array.dtype > static_cast<gm_dtype>(kLastDType) ||
      array.rank > GM_MAX_RANK) {
    throw Error(ErrorCode::kFailed,
                "kernel \"" + kernel + "\" planned an output of no known dtype or rank");
  }
  return {static_cast<DType>(array.dtype), Shape(array.shape, array.shape + array.rank)};
}

class SharedObjectKernel : public OpenKernel {
 public:
  SharedObjectKernel(const gm_kernel& kernel, const ipc::KernelRequest& request,
                     const std::vector<JobArray>& inputs, const std::vector<JobArray>& outputs,
                     std::int64_t accumulator_bytes, const CancelFlag& cancel)
      : kernel_(kernel),
        request_(kernel, request, inputs),
        context_(kernel.name, &cancel),
        accumulator_bytes_(accumulator_bytes) {
    for (const JobArray& output : outputs) outputs_.push_back(to_c(output));
    chunk_.struct_size = sizeof(gm_chunk);
    chunk_.accumulator_bytes = accumulator_bytes;
    if (kernel.pattern == GM_MAP) {
      chunk_.output_count = output_count();
      chunk_.outputs = outputs_.data();
    }
    context_.require_ok(kernel_.open(context_.host(), &request_.get(), &state_));
  }
  ~SharedObjectKernel() override { kernel_.close(state_); }

  void run(std::int64_t begin, std::int64_t end, void* accumulator) override {
    chunk_.begin = begin;
    chunk_.end = end;
    chunk_.accumulator = accumulator;
    context_.require_ok(kernel_.run(context_.host(), state_, &chunk_));
  }
  void merge(void* into, const void* from) override {
    const gm_merge merge{sizeof(gm_merge), 0, into, from, accumulator_bytes_};
    context_.require_ok(kernel_.merge(context_.host(), state_, &merge));
  }
  void finish(const void* accumulator) override {
    const gm_finish finish{sizeof(gm_finish), output_count(), outputs_.data(), accumulator,
                           accumulator_bytes_};
    context_.require_ok(kernel_.finish(context_.host(), state_, &finish));
  }
  bool overwrites_output() const override { return (kernel_.flags & GM_OVERWRITES_OUTPUT) != 0; }

 private:
  std::uint32_t output_count() const { return static_cast<std::uint32_t>(outputs_.size()); }

  const gm_kernel& kernel_;
  CRequest request_;
  CallContext context_;
  std::int64_t accumulator_bytes_;
  std::vector<gm_array> outputs_;
  gm_chunk chunk_{};
  void* state_ = nullptr;
};

}  // namespace

SharedObjectHost::SharedObjectHost(std::string path)
    : path_(std::move(path)), plugin_(load(path_)) {}

std::vector<KernelInfo> SharedObjectHost::describe() const {
  std::vector<KernelInfo> kernels;
  for (std::uint32_t i = 0; i < plugin_->kernel_count; ++i) {
    kernels.push_back(info_of(*plugin_->kernels[i], path_));
  }
  return kernels;
}

ipc::Planned SharedObjectHost::plan(const ipc::KernelRequest& request) const {
  const gm_kernel& kernel = find(request.kernel);
  const CRequest c_request(kernel, request);
  CallContext context(kernel.name, nullptr);
  gm_plan plan{};
  plan.struct_size = sizeof(gm_plan);
  plan.output_count = kernel.output_count;
  context.require_ok(kernel.plan(context.host(), &c_request.get(), &plan));
  ipc::Planned planned;
  planned.items = plan.items;
  planned.bytes_per_item = plan.bytes_per_item;
  planned.nanoseconds_per_item = plan.nanoseconds_per_item;
  planned.index_space = text_or_empty(plan.index_space);
  planned.instruction_set = text_or_empty(plan.instruction_set);
  planned.accumulator_bytes = plan.accumulator_bytes;
  planned.exact_merge = (kernel.flags & GM_EXACT_MERGE) != 0;
  for (std::uint32_t i = 0; i < kernel.output_count; ++i) {
    planned.outputs.push_back(spec_of(plan.outputs[i], kernel.name));
  }
  return planned;
}

std::unique_ptr<OpenKernel> SharedObjectHost::open(const ipc::KernelRequest& request,
                                                   const std::vector<JobArray>& inputs,
                                                   const std::vector<JobArray>& outputs,
                                                   std::int64_t accumulator_bytes,
                                                   const CancelFlag& cancel) const {
  return std::make_unique<SharedObjectKernel>(find(request.kernel), request, inputs, outputs,
                                              accumulator_bytes, cancel);
}

const gm_kernel& SharedObjectHost::find(const std::string& name) const {
  for (std::uint32_t i = 0; i < plugin_->kernel_count; ++i) {
    if (name == plugin_->kernels[i]->name) return *plugin_->kernels[i];
  }
  throw Error(ErrorCode::kInvalid, "plug-in \"" + path_ + "\" has no kernel \"" + name + "\"");
}

}  // namespace gristmill::workers
