#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include <gristmill/array.h>
#include <gristmill/job.h>

// The extension module gristmill._core: what the package's Python code is made of. Not for users:
// arrays are addresses here, and dtypes those of the engine.
namespace gristmill::python {

// One per source file; called once, in this order.
void bind_errors(nanobind::module_& module);
void bind_datasets(nanobind::module_& module);
void bind_jobs(nanobind::module_& module);
void bind_output(nanobind::module_& module);
void bind_engine(nanobind::module_& module);
void bind_functions(nanobind::module_& module);
void bind_calls(nanobind::module_& module);
void bind_workers(nanobind::module_& module);

// Errors: kInvalid for a name that no element of an engine has.
DType dtype_of(const std::string& name);

// An array of this process. Errors: as dtype_of.
ArrayView array_at(std::uintptr_t address, const std::string& dtype, Shape shape);

// No copy. Lifetime: the memory outlives it and its views, which nobody checks.
nanobind::object memory_view(const void* data, std::int64_t size_bytes, bool writable);

// To be called after a function of the user's, in a worker: ends a process that the function forked
// and that came back, because it has the worker's queues.
void end_forked_child();

// As FaultPolicy has them: retries, timeout and stopped_timeout in seconds, skip, fill, bisect;
// what is not there keeps its default.
FaultPolicy fault_policy_of(const nanobind::dict& wishes);

// "auto", a number of items, or a size such as "64KiB".
ChunkSize chunk_size_of(const nanobind::object& value);

}  // namespace gristmill::python
