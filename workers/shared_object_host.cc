#include "workers/shared_object_host.h"

#include <gristmill/error.h>

#include "workers/kernel_call.h"
#include "workers/planning.h"
#include "workers/plugin_file.h"

namespace gristmill::workers {
namespace {

class SharedObjectKernel : public OpenKernel {
 public:
  SharedObjectKernel(const gm_kernel& kernel, const ipc::KernelRequest& request,
                     const std::vector<JobArray>& inputs, const std::vector<JobArray>& outputs,
                     std::int64_t accumulator_bytes, const JobServices& services)
      : kernel_(kernel),
        asked_(request),
        request_(kernel, asked_, inputs),
        services_(services),
        context_(kernel.name, &services_),
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

  void run(const Items& items, void* accumulator) override {
    chunk_.begin = items.begin;
    chunk_.end = items.end;
    chunk_.row_begin = items.tile.row_begin;
    chunk_.row_end = items.tile.row_end;
    chunk_.column_begin = items.tile.column_begin;
    chunk_.column_end = items.tile.column_end;
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
  std::vector<ipc::Counter> counters() const override { return context_.counters(); }

 private:
  std::uint32_t output_count() const { return static_cast<std::uint32_t>(outputs_.size()); }

  const gm_kernel& kernel_;
  // A copy: texts and lists are the kernel's until it is closed.
  const ipc::KernelRequest asked_;
  CRequest request_;
  JobServices services_;
  CallContext context_;
  std::int64_t accumulator_bytes_;
  std::vector<gm_array> outputs_;
  gm_chunk chunk_{};
  void* state_ = nullptr;
};

}  // namespace

SharedObjectHost::SharedObjectHost(std::string path) : path_(std::move(path)) {
  const LoadedPlugin loaded = load_plugin(path_);
  identity_ = loaded.identity;
  for (std::uint32_t i = 0; i < loaded.plugin->kernel_count; ++i) {
    kernels_.push_back(std::make_unique<KernelTable>(path_, i, loaded.plugin->kernels[i]));
  }
}

std::vector<KernelInfo> SharedObjectHost::describe() const {
  std::vector<KernelInfo> kernels;
  for (const auto& kernel : kernels_) kernels.push_back(kernel->info(path_));
  return kernels;
}

ipc::Planned SharedObjectHost::plan(const ipc::KernelRequest& request) const {
  return plan_kernel(find(request.kernel), request);
}

std::unique_ptr<OpenKernel> SharedObjectHost::open(const ipc::KernelRequest& request,
                                                   const std::vector<JobArray>& inputs,
                                                   const std::vector<JobArray>& outputs,
                                                   std::int64_t accumulator_bytes,
                                                   const JobServices& services) const {
  return std::make_unique<SharedObjectKernel>(find(request.kernel), request, inputs, outputs,
                                              accumulator_bytes, services);
}

const gm_kernel& SharedObjectHost::find(const std::string& name) const {
  for (const auto& kernel : kernels_) {
    if (name == kernel->get().name) return kernel->get();
  }
  throw Error(ErrorCode::kInvalid, "plug-in \"" + path_ + "\" has no kernel \"" + name + "\"");
}

HostFactory shared_object_hosts() {
  return [](const std::string& plugin) { return std::make_unique<SharedObjectHost>(plugin); };
}

}  // namespace gristmill::workers
