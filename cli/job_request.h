#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/engine.h>
#include <gristmill/job.h>

#include "cli/arguments.h"
#include "cli/fault_options.h"
#include "cli/input_argument.h"

namespace gristmill::cli {

// Where a job file has a parameter: job file "a.toml", line 3, column 10.
struct ParamPlace {
  std::string name;
  std::string value;
};

// What a job file or a command line asks for, each by itself or the one over the other.
// Names of inputs and of outputs are unique.
struct JobRequest {
  std::string kernel;
  std::vector<InputArgument> inputs;
  std::vector<Output> outputs;
  std::map<std::string, ParamValue> params;
  std::map<std::string, ParamPlace> param_places;  // of those in a job file
  std::optional<ChunkSize> chunk_size;
  std::optional<int> workers;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> cache_bytes;
  FaultOptions faults;
  bool in_memory = false;  // place the inputs in memory first
  bool in_process = false;
  std::vector<std::filesystem::path> plugins;
};

// The request of a command line, with that of its job file beneath if it names one.
// Errors: kInvalid for a value that cannot be read, a name given twice, a bad job file.
JobRequest job_request(const RunArguments& arguments);

// flags over file: an input, output or parameter replaces that of the same name; plug-ins are
// searched first. Errors: kInvalid if an unnamed one could replace several.
JobRequest overridden(JobRequest file, const JobRequest& flags);

// A worker count as text. Errors: kInvalid unless it is a whole number from 1 to kMaxWorkers.
int parse_workers(std::string_view text);

// Sizes as text: "64KiB", "500MiB", "4GiB", or a number of bytes. A memory limit is at least 1.
// Errors: kInvalid.
std::int64_t parse_memory_limit(std::string_view text);
std::int64_t parse_cache_limit(std::string_view text);

// The error of a parameter with its place in front, if it is in a job file: also that of a kernel
// which names one parameter of the job.
Error placed(const Error& error, const JobRequest& request);

// The job to submit: opens the inputs. Errors: kInvalid when one cannot be opened.
JobSpec job_spec(const JobRequest& request);
EngineOptions engine_options(const JobRequest& request);

}  // namespace gristmill::cli
