#include <atomic>
#include <memory>
#include <utility>

#include "engine/job_queue.h"
#include "python/bindings.h"
#include "python/freed_by_owner.h"
#include "python/function_jobs.h"
#include "python/line_buffer.h"
#include "python/python_workers.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

// Workers that run Python functions.
class FunctionEngine {
 public:
  FunctionEngine(std::unique_ptr<engine::WorkerLauncher> launcher, int workers,
                 std::int64_t memory_bytes, std::int64_t cache_bytes, engine::WorkerLines lines)
      : jobs_(freed_by_owner(std::make_unique<engine::JobQueue>(
            std::move(launcher), workers, engine::memory_limits(memory_bytes, cache_bytes),
            std::move(lines)))) {}
  ~FunctionEngine() { close(); }

  Job submit(const FunctionJob& job) {
    const auto jobs = open_jobs();
    return jobs->submit(plan_function_job(job, jobs->workers()));
  }
  Dataset copy_of(const ArrayView& array) { return open_jobs()->copy_of(array); }
  std::int64_t chunk_items(std::int64_t items, std::int64_t bytes_per_item, ChunkSize size) const {
    return engine::plan_chunks({.items = items, .bytes_per_item = bytes_per_item}, size)
        .chunk_items;
  }
  void close() {
    const nb::gil_scoped_release released;
    jobs_.store(nullptr);
  }

 private:
  // To be held while they are used: another thread may close the engine meanwhile.
  std::shared_ptr<engine::JobQueue> open_jobs() const {
    if (auto jobs = jobs_.load()) return jobs;
    throw Error(ErrorCode::kInvalid, "this engine is closed");
  }

  std::atomic<std::shared_ptr<engine::JobQueue>> jobs_;
};

using OutputFacts = std::tuple<std::string, std::string, Shape, std::filesystem::path>;

// zygote: the words that start one; none: each worker is started by itself.
void start(FunctionEngine* self, const std::vector<std::string>& worker,
           const std::optional<std::vector<std::string>>& zygote, int workers,
           std::int64_t memory_bytes, std::int64_t cache_bytes, std::int64_t worker_memory_bytes,
           const std::shared_ptr<LineBuffer>& lines) {
  auto launcher = python_workers(worker, zygote, worker_memory_bytes);
  const nb::gil_scoped_release released;
  new (self) FunctionEngine(std::move(launcher), workers, memory_bytes, cache_bytes,
                            LineBuffer::lines_into(lines));
}

Job submit(FunctionEngine& self, std::string name, bool emits, const Dataset& function,
           std::vector<Dataset> inputs, std::int64_t items, std::int64_t bytes_per_item,
           const nb::object& chunk_size, const std::vector<OutputFacts>& outputs, bool overwrites,
           const nb::dict& faults) {
  FunctionJob job{.name = std::move(name),
                  .pattern = emits ? Pattern::kEmit : Pattern::kMap,
                  .function = function,
                  .inputs = std::move(inputs),
                  .items = items,
                  .bytes_per_item = bytes_per_item,
                  .chunk_size = chunk_size_of(chunk_size),
                  .outputs = {},
                  .overwrites_output = overwrites,
                  .faults = fault_policy_of(faults)};
  for (const auto& [output, dtype, shape, path] : outputs) {
    job.outputs.push_back({output, dtype_of(dtype), shape, 0, path});
  }
  const nb::gil_scoped_release released;
  return self.submit(job);
}

}  // namespace

void bind_functions(nb::module_& module) {
  nb::class_<FunctionEngine>(module, "FunctionEngine")
      .def("__init__", &start, nb::arg("worker"), nb::arg("zygote").none(), nb::arg("workers"),
           nb::arg("memory_bytes"), nb::arg("cache_bytes"), nb::arg("worker_memory_bytes"),
           nb::arg("lines"))
      .def("submit", &submit, nb::kw_only(), nb::arg("name"), nb::arg("emits"), nb::arg("function"),
           nb::arg("inputs"), nb::arg("items"), nb::arg("bytes_per_item"), nb::arg("chunk_size"),
           nb::arg("outputs"), nb::arg("overwrites"), nb::arg("faults"))
      .def("copy_of",
           [](FunctionEngine& self, std::uintptr_t address, const std::string& dtype, Shape shape) {
             const ArrayView array = array_at(address, dtype, std::move(shape));
             const nb::gil_scoped_release released;
             return self.copy_of(array);
           })
      .def("chunk_items",
           [](const FunctionEngine& self, std::int64_t items, std::int64_t bytes_per_item,
              const nb::object& size) {
             return self.chunk_items(items, bytes_per_item, chunk_size_of(size));
           })
      .def("close", &FunctionEngine::close);
}

}  // namespace gristmill::python
