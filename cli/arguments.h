#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gristmill::cli {

enum class ProgressMode { kAuto, kBar, kPlain, kNone };

// `gristmill run`, as typed.
struct RunArguments {
  std::string target;  // a kernel's name or a job file
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> params;
  std::vector<std::string> plugins;
  std::optional<std::string> chunk_size;
  std::optional<std::string> workers;
  std::optional<std::string> memory;
  std::optional<std::string> cache;
  // Those that were given, by their names in a job file: "on_error".
  std::map<std::string, std::string> faults;
  std::optional<std::string> joblog;
  ProgressMode progress = ProgressMode::kAuto;
  bool in_memory = false;
  bool in_process = false;
  bool dry_run = false;
  bool json = false;
  bool no_clobber = false;
};

// `gristmill kernels`.
struct KernelsArguments {
  std::string name;  // empty: list all
  std::vector<std::string> plugins;
};

// `gristmill inspect`.
struct InspectArguments {
  std::string file;
};

// `gristmill new-kernel`.
struct NewKernelArguments {
  std::string name;
  std::string folder;   // where its own folder comes; empty: here
  std::string program;  // this program, as it was called
};

// --help or --version: the answer.
struct TextRequest {
  std::string text;
};

using Command =
    std::variant<TextRequest, RunArguments, KernelsArguments, InspectArguments, NewKernelArguments>;

// Reads the command line. Whatever is repeatable keeps its order; of other options given twice the
// last one counts.
// Errors: kInvalid for an unknown command or option (the nearest known one is offered), a missing
// value or argument, an argument too many.
Command parse_arguments(int argc, const char* const* argv);

}  // namespace gristmill::cli
