#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/faults.h>
#include <gristmill/job.h>
#include <gristmill/kernel_info.h>

#include "engine/planned_job.h"

namespace gristmill::python {

// What workers of Python functions call the plug-in that they are.
inline constexpr const char* kFunctionPlugin = "python";

// A Python function to be run on chunks of items. What a kernel's plan would say, its caller knows.
struct FunctionJob {
  std::string name;  // of the function, for people
  Pattern pattern;   // kMap or kEmit
  Dataset function;  // bytes that workers know how to read
  std::vector<Dataset> inputs;
  std::int64_t items = 0;
  std::int64_t bytes_per_item = 0;
  ChunkSize chunk_size;
  std::vector<JobPlan::OutputPlan> outputs;  // without their size
  bool overwrites_output = false;            // each row of each chunk
  FaultPolicy faults;
};

// Errors: kInvalid for a chunk size, a path or a fill value that is none.
engine::PlannedJob plan_function_job(const FunctionJob& job, int workers);

}  // namespace gristmill::python
