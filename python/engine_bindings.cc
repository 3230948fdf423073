#include <atomic>
#include <memory>
#include <utility>

#include <gristmill/engine.h>

#include "engine/engine_core.h"
#include "python/bindings.h"
#include "python/freed_by_owner.h"
#include "python/line_buffer.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

const char* name_of_pattern(Pattern pattern) {
  switch (pattern) {
    case Pattern::kMap:
      return "map";
    case Pattern::kReduce:
      return "reduce";
    case Pattern::kEmit:
      return "emit";
  }
  return "map";
}

ParamValue param_value_of(nb::handle value) {
  if (nb::isinstance<nb::bool_>(value)) return nb::cast<bool>(value);
  if (nb::isinstance<nb::int_>(value)) return nb::cast<std::int64_t>(value);
  if (nb::isinstance<nb::float_>(value)) return nb::cast<double>(value);
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  return nb::cast<std::vector<double>>(value);
}

// What a kernel declares.
nb::dict facts_of(const KernelInfo& kernel) {
  nb::list inputs;
  for (const KernelInfo::Input& input : kernel.inputs) {
    inputs.append(nb::make_tuple(input.name, input.help, input.optional));
  }
  nb::list params;
  for (const KernelInfo::Param& param : kernel.params) {
    params.append(
        nb::make_tuple(param.name, param.type, param.default_value, param.help, param.required));
  }
  nb::list outputs;
  for (const KernelInfo::Output& output : kernel.outputs) {
    outputs.append(nb::make_tuple(output.name, output.help));
  }
  nb::dict facts;
  facts["name"] = kernel.name;
  facts["pattern"] = name_of_pattern(kernel.pattern);
  facts["summary"] = kernel.summary;
  facts["description"] = kernel.description;
  facts["plugin"] = kernel.plugin;
  facts["inputs"] = inputs;
  facts["params"] = params;
  facts["outputs"] = outputs;
  return facts;
}

JobSpec spec_of(const std::string& kernel, const nb::dict& inputs, const nb::dict& params,
                const nb::dict& outputs, const nb::object& chunk_size, const nb::dict& faults) {
  JobSpec spec{.kernel = kernel};
  for (const auto& [name, data] : inputs) {
    spec.inputs.push_back({nb::cast<std::string>(name), nb::cast<Dataset>(data)});
  }
  for (const auto& [name, value] : params) {
    spec.params.emplace(nb::cast<std::string>(name), param_value_of(value));
  }
  for (const auto& [name, path] : outputs) {
    spec.outputs.push_back(
        {nb::cast<std::string>(name),
         path.is_none() ? std::filesystem::path() : nb::cast<std::filesystem::path>(path)});
  }
  spec.chunk_size = chunk_size_of(chunk_size);
  spec.faults = fault_policy_of(faults);
  return spec;
}

std::shared_ptr<EngineCore> start_engine(const EngineOptions& options,
                                         const std::shared_ptr<LineBuffer>& lines) {
  const nb::gil_scoped_release released;
  return freed_by_owner(EngineCore::start(options, LineBuffer::lines_into(lines)));
}

// Ends without the GIL: its thread may be waiting for it.
class NativeEngine {
 public:
  explicit NativeEngine(std::shared_ptr<EngineCore> engine) : engine_(std::move(engine)) {}
  ~NativeEngine() { close(); }

  // To be held while it is used: another thread may close it meanwhile.
  std::shared_ptr<EngineCore> engine() const {
    if (auto engine = engine_.load()) return engine;
    throw Error(ErrorCode::kInvalid, "this engine is closed");
  }
  void close() {
    const nb::gil_scoped_release released;
    engine_.store(nullptr);
  }

 private:
  std::atomic<std::shared_ptr<EngineCore>> engine_;
};

}  // namespace

void bind_engine(nb::module_& module) {
  module.def("version", &version);
  module.def("usable_cpus", &usable_cpus);
  nb::class_<NativeEngine>(module, "NativeEngine")
      .def("__init__",
           [](NativeEngine* self, int workers, std::vector<std::filesystem::path> plugins,
              std::filesystem::path worker_program, std::int64_t memory_bytes,
              std::int64_t cache_bytes, std::int64_t worker_memory_bytes,
              const std::shared_ptr<LineBuffer>& lines) {
             new (self) NativeEngine{start_engine({.workers = workers,
                                                   .plugins = std::move(plugins),
                                                   .worker_program = std::move(worker_program),
                                                   .memory_bytes = memory_bytes,
                                                   .cache_bytes = cache_bytes,
                                                   .worker_memory_bytes = worker_memory_bytes},
                                                  lines)};
           })
      .def("submit",
           [](NativeEngine& self, const std::string& kernel, const nb::dict& inputs,
              const nb::dict& params, const nb::dict& outputs, const nb::object& chunk_size,
              const nb::dict& faults) {
             JobSpec spec = spec_of(kernel, inputs, params, outputs, chunk_size, faults);
             const nb::gil_scoped_release released;
             return self.engine()->submit(std::move(spec));
           })
      .def("copy_of",
           [](NativeEngine& self, std::uintptr_t address, const std::string& dtype, Shape shape) {
             const ArrayView array = array_at(address, dtype, std::move(shape));
             const nb::gil_scoped_release released;
             return self.engine()->copy_of(array);
           })
      .def("kernels",
           [](NativeEngine& self) {
             std::vector<KernelInfo> kernels;
             {
               const nb::gil_scoped_release released;
               kernels = self.engine()->planner().kernels();
             }
             nb::list facts;
             for (const KernelInfo& kernel : kernels) facts.append(facts_of(kernel));
             return facts;
           })
      .def("kernel",
           [](NativeEngine& self, const std::string& name) {
             KernelInfo kernel;
             {
               const nb::gil_scoped_release released;
               kernel = self.engine()->planner().kernel(name);
             }
             return facts_of(kernel);
           })
      .def("close", &NativeEngine::close);
}

}  // namespace gristmill::python
