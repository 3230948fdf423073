#pragma once

#include <nanobind/nanobind.h>

#include "workers/call_host.h"

namespace gristmill::python {

// Runs calls of Python functions. Takes the GIL whenever it enters Python.
class PythonCallHost : public workers::CallHost {
 public:
  // run: called with the call's data, a list of its memories as arrays of bytes, and a function
  // that makes room for the result; answers whether it failed, and data. fail: called with a text,
  // makes the data of that failure.
  PythonCallHost(nanobind::object run, nanobind::object fail)
      : run_(std::move(run)), fail_(std::move(fail)) {}
  ~PythonCallHost() override;

  workers::CallAnswer run(std::span<const std::byte> data,
                          std::vector<std::unique_ptr<workers::ArgumentMemory>> memories,
                          const ResultRoom& room) override;
  workers::CallAnswer failure(const Error& error) override;

 private:
  nanobind::object run_;
  nanobind::object fail_;
};

}  // namespace gristmill::python
