#include "python/function_host.h"

#include <string>
#include <tuple>
#include <utility>

#include <gristmill/error.h>

#include "python/bindings.h"
#include "workers/emitted_rows.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

std::int64_t bytes_of(const ipc::ArraySpec& spec) {
  return size_bytes(spec.dtype, spec.shape).value_or(0);
}

nb::list arrays_of(const std::vector<workers::JobArray>& arrays, std::size_t first, bool writable) {
  nb::list list;
  for (std::size_t i = first; i < arrays.size(); ++i) {
    const workers::JobArray& array = arrays[i];
    nb::object memory = nb::none();
    if (array.data != nullptr) memory = memory_view(array.data, bytes_of(array.spec), writable);
    list.append(nb::make_tuple(memory, std::string(name_of(array.spec.dtype)),
                               nb::tuple(nb::cast(array.spec.shape))));
  }
  return list;
}

// The rows of an emit, for one chunk at a time.
class Rows {
 public:
  explicit Rows(workers::EmittedRows* rows) : rows_(rows) {}

  // Memory for so many rows, one for each output; it ends with commit.
  nb::list room(std::int64_t count) {
    const gm_array* arrays = rows_->make_room(count);
    nb::list memories;
    for (const std::int64_t bytes : row_bytes_) {
      memories.append(memory_view(arrays++->data, bytes * count, /*writable=*/true));
    }
    return memories;
  }
  void commit(std::int64_t count) { rows_->commit(count); }
  void add_output(const ipc::ArraySpec& spec) { row_bytes_.push_back(ipc::row_bytes(spec)); }

 private:
  workers::EmittedRows* rows_;
  std::vector<std::int64_t> row_bytes_;
};

[[noreturn]] void fail_with(const nb::object& failure) {
  const auto [message, traceback, exception] =
      nb::cast<std::tuple<std::string, std::string, std::string>>(failure);
  // The engine passes on what it does not read: the caller's Python takes the hint apart again.
  throw Error(ErrorCode::kFailed, {message, traceback, exception});
}

class FunctionKernel : public workers::OpenKernel {
 public:
  FunctionKernel(const nb::object& open, const std::vector<workers::JobArray>& inputs,
                 const std::vector<workers::JobArray>& outputs,
                 const workers::JobServices& services) {
    const nb::gil_scoped_acquire acquired;
    nb::object rows = nb::none();
    if (services.rows != nullptr) {
      Rows of_outputs(services.rows);
      for (const workers::JobArray& output : outputs) of_outputs.add_output(output.spec);
      rows = nb::cast(std::move(of_outputs));
    }
    const workers::JobArray& function = inputs.at(0);
    nb::object kernel =
        open(memory_view(function.data, bytes_of(function.spec), /*writable=*/false),
             arrays_of(inputs, 1, /*writable=*/false), arrays_of(outputs, 0, /*writable=*/true));
    if (nb::isinstance<nb::tuple>(kernel)) fail_with(kernel);
    // Last: members of what is not constructed would be freed without the GIL.
    run_ = kernel.attr("run");
    kernel_ = std::move(kernel);
    rows_ = std::move(rows);
  }
  ~FunctionKernel() override {
    const nb::gil_scoped_acquire acquired;
    run_.reset();
    kernel_.reset();
    rows_.reset();
  }

  void run(const workers::Items& items, void*) override {
    const nb::gil_scoped_acquire acquired;
    const nb::object failure = run_(items.begin, items.end, rows_);
    end_forked_child();
    if (!failure.is_none()) fail_with(failure);
  }
  void merge(void*, const void*) override { no_reduce(); }
  void finish(const void*) override { no_reduce(); }
  std::vector<ipc::Counter> counters() const override { return {}; }

 private:
  [[noreturn]] static void no_reduce() {
    throw Error(ErrorCode::kInternal, "a Python function was asked to merge");
  }

  nb::object rows_;
  nb::object kernel_;
  nb::object run_;
};

}  // namespace

FunctionHost::~FunctionHost() {
  const nb::gil_scoped_acquire acquired;
  open_.reset();
}

std::vector<KernelInfo> FunctionHost::describe() const {
  throw Error(ErrorCode::kInvalid, "Python functions are not described");
}

ipc::Planned FunctionHost::plan(const ipc::KernelRequest&) const {
  throw Error(ErrorCode::kInvalid, "Python functions are planned by their callers");
}

std::unique_ptr<workers::OpenKernel> FunctionHost::open(
    const ipc::KernelRequest&, const std::vector<workers::JobArray>& inputs,
    const std::vector<workers::JobArray>& outputs, std::int64_t,
    const workers::JobServices& services) const {
  try {
    return std::make_unique<FunctionKernel>(open_, inputs, outputs, services);
  } catch (const nb::python_error& error) {
    const nb::gil_scoped_acquire acquired;
    throw Error(ErrorCode::kFailed, std::string("could not load the function: ") + error.what());
  }
}

void bind_rows(nb::module_& module) {
  nb::class_<Rows>(module, "Rows").def("room", &Rows::room).def("commit", &Rows::commit);
}

}  // namespace gristmill::python
