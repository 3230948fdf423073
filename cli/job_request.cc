#include "cli/job_request.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <gristmill/error.h>

#include "cli/job_file.h"

namespace gristmill::cli {
namespace {

[[noreturn]] void throw_invalid(std::string message, std::string hint) {
  throw Error(ErrorCode::kInvalid, {std::move(message), "", std::move(hint)});
}

template <class Named>
auto find_named(std::vector<Named>& all, std::string_view name) {
  return std::find_if(all.begin(), all.end(),
                      [&](const Named& candidate) { return candidate.name == name; });
}

// what: "input" or "output".
template <class Named>
void add_unique(std::vector<Named>& all, Named one, const char* what) {
  if (find_named(all, one.name) == all.end()) {
    all.push_back(std::move(one));
  } else if (one.name.empty()) {
    throw_invalid(fmt::format("two {}s without a name: \"{}\" and \"{}\"", what,
                              find_named(all, "")->path.string(), one.path.string()),
                  fmt::format("Write --{} NAME=FILE for each.", what));
  } else {
    throw_invalid(fmt::format("{} \"{}\" is given twice", what, one.name), "");
  }
}

// An unnamed flag replaces the file's only one.
template <class Named>
void override_named(std::vector<Named>& file, const std::vector<Named>& flags, const char* what) {
  const std::size_t in_file = file.size();
  for (const Named& flag : flags) {
    const bool only_one = flag.name.empty() && in_file == 1;
    if (flag.name.empty() && in_file > 1) {
      throw_invalid(fmt::format("could not tell which {} \"{}\" replaces: the job file has {}",
                                what, flag.path.string(), in_file),
                    fmt::format("Write --{} NAME={}.", what, flag.path.string()));
    }
    const auto replaced = only_one ? file.begin() : find_named(file, flag.name);
    if (replaced == file.end()) {
      file.push_back(flag);
    } else {
      const std::string name = replaced->name;
      *replaced = flag;
      replaced->name = name;
    }
  }
}

Output parse_output(std::string_view text) {
  auto [name, file] = split_name(text);
  if (file.empty()) {
    throw_invalid(fmt::format("no file name in output \"{}\"", text), "Write NAME=FILE or FILE.");
  }
  return {std::move(name), std::move(file)};
}

void add_param(std::map<std::string, ParamValue>& params, const std::string& text) {
  const auto [name, value] = split_name(text);
  if (name.empty()) {
    const char* missing =
        text.find('=') == std::string::npos ? "no \"=\" in it" : "no name before the \"=\"";
    throw_invalid(fmt::format("could not read parameter \"{}\": {}", text, missing),
                  "Write --param NAME=VALUE.");
  }
  if (!params.emplace(name, value).second) {
    throw_invalid(fmt::format("parameter \"{}\" is given twice", name), "");
  }
}

constexpr const char* kSizeHint = "Write a size like 500MiB or 4GiB, or a number of bytes.";

// Units are those of ChunkSize. None if it is no size, or not one that fits.
std::optional<std::int64_t> parse_size(std::string_view text) {
  std::int64_t unit = 1;
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {{"KiB", std::int64_t{1} << 10},
                                                                  {"MiB", std::int64_t{1} << 20},
                                                                  {"GiB", std::int64_t{1} << 30}};
  for (const auto& [name, bytes] : kUnits) {
    if (text.ends_with(name)) {
      unit = bytes;
      text.remove_suffix(name.size());
    }
  }
  const std::optional<std::int64_t> count = parse_integer(text);
  std::int64_t size = 0;
  if (!count || *count < 0 || __builtin_mul_overflow(*count, unit, &size)) {
    return std::nullopt;
  }
  return size;
}

JobRequest request_of_flags(const RunArguments& arguments) {
  JobRequest request;
  for (const std::string& text : arguments.inputs) {
    add_unique(request.inputs, parse_input(text), "input");
  }
  for (const std::string& text : arguments.outputs) {
    add_unique(request.outputs, parse_output(text), "output");
  }
  for (const std::string& text : arguments.params) {
    add_param(request.params, text);
  }
  if (arguments.chunk_size) {
    request.chunk_size = ChunkSize::parse(*arguments.chunk_size);
  }
  if (arguments.workers) {
    request.workers = parse_workers(*arguments.workers);
  }
  if (arguments.memory) {
    request.memory_bytes = parse_memory_limit(*arguments.memory);
  }
  if (arguments.cache) {
    request.cache_bytes = parse_cache_limit(*arguments.cache);
  }
  for (const auto& [name, value] : arguments.faults) {
    request.faults.set(name, value);
  }
  request.in_memory = arguments.in_memory;
  request.in_process = arguments.in_process;
  request.plugins.assign(arguments.plugins.begin(), arguments.plugins.end());
  return request;
}

}  // namespace

JobRequest job_request(const RunArguments& arguments) {
  JobRequest flags = request_of_flags(arguments);
  if (std::string_view(arguments.target).ends_with(".toml")) {
    return overridden(read_job_file(arguments.target), flags);
  }
  flags.kernel = arguments.target;
  return flags;
}

JobRequest overridden(JobRequest file, const JobRequest& flags) {
  override_named(file.inputs, flags.inputs, "input");
  override_named(file.outputs, flags.outputs, "output");
  for (const auto& [name, value] : flags.params) {
    file.params[name] = value;
    file.param_places.erase(name);
  }
  if (flags.chunk_size) {
    file.chunk_size = flags.chunk_size;
  }
  if (flags.workers) {
    file.workers = flags.workers;
  }
  if (flags.memory_bytes) {
    file.memory_bytes = flags.memory_bytes;
  }
  if (flags.cache_bytes) {
    file.cache_bytes = flags.cache_bytes;
  }
  file.faults = flags.faults.over(file.faults);
  file.in_memory = file.in_memory || flags.in_memory;
  file.in_process = file.in_process || flags.in_process;
  file.plugins.insert(file.plugins.begin(), flags.plugins.begin(), flags.plugins.end());
  return file;
}

int parse_workers(std::string_view text) {
  const std::optional<std::int64_t> workers = parse_integer(text);
  if (!workers || *workers < 1 || *workers > kMaxWorkers) {
    throw_invalid(fmt::format("invalid number of workers \"{}\": not a whole number from 1 to {}",
                              text, kMaxWorkers),
                  "Without --workers there is one for each usable CPU.");
  }
  return static_cast<int>(*workers);
}

std::int64_t parse_memory_limit(std::string_view text) {
  const std::optional<std::int64_t> size = parse_size(text);
  if (!size || *size == 0) {
    throw_invalid(
        fmt::format(
            "invalid memory limit \"{}\": not a whole number of bytes, KiB, MiB or GiB above 0",
            text),
        kSizeHint);
  }
  return *size;
}

std::int64_t parse_cache_limit(std::string_view text) {
  const std::optional<std::int64_t> size = parse_size(text);
  if (!size) {
    throw_invalid(
        fmt::format("invalid cache limit \"{}\": not a whole number of bytes, KiB, MiB or GiB",
                    text),
        kSizeHint);
  }
  return *size;
}

namespace {

// The parameter of a job file that a kernel's refusal names; null if it names none, or several.
const ParamPlace* place_named_in(const Error& error, const JobRequest& request) {
  const ParamPlace* named = nullptr;
  if (error.code() != ErrorCode::kInvalid || !error.message().starts_with("kernel \"")) {
    return nullptr;
  }
  for (const auto& [name, place] : request.param_places) {
    if (error.message().find('"' + name + '"') == std::string::npos) {
      continue;
    }
    if (named != nullptr) {
      return nullptr;
    }
    named = &place;
  }
  return named;
}

}  // namespace

Error placed(const Error& error, const JobRequest& request) {
  ErrorText text = error.text();
  if (const auto* of_parameter = dynamic_cast<const ParameterError*>(&error)) {
    const auto place = request.param_places.find(of_parameter->parameter());
    if (place != request.param_places.end()) {
      const bool about_name = of_parameter->about() == ParameterError::About::kName;
      text.message = (about_name ? place->second.name : place->second.value) + ": " + text.message;
    }
  } else if (const ParamPlace* place = place_named_in(error, request)) {
    text.message = place->value + ": " + text.message;
  }
  return Error(error.code(), std::move(text));
}

JobSpec job_spec(const JobRequest& request) {
  JobSpec spec{.kernel = request.kernel};
  for (const InputArgument& input : request.inputs) {
    spec.inputs.push_back({input.name, open_input(input)});
  }
  spec.params = request.params;
  spec.outputs = request.outputs;
  spec.chunk_size = request.chunk_size.value_or(ChunkSize());
  spec.faults = request.faults.policy();
  return spec;
}

EngineOptions engine_options(const JobRequest& request) {
  EngineOptions options{.workers = request.workers.value_or(0), .plugins = request.plugins};
  options.memory_bytes = request.memory_bytes.value_or(options.memory_bytes);
  options.cache_bytes = request.cache_bytes.value_or(options.cache_bytes);
  options.in_process = request.in_process;
  options.worker_memory_bytes = request.faults.memory_limit_bytes.value_or(0);
  return options;
}

}  // namespace gristmill::cli
