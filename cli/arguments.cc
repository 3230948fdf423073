#include "cli/arguments.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <gristmill/engine.h>
#include <gristmill/error.h>

#include "cli/fault_options.h"
#include "cli/help_text.h"

namespace gristmill::cli {
namespace {

// A command, "run", or the program itself, "". Everything that CLI11 would judge by itself is
// accepted by it and judged here, because its wording changes between its versions.
struct Parser {
  CLI::App app;
  CLI::App* run = nullptr;
  CLI::App* kernels = nullptr;
  CLI::App* inspect = nullptr;
  CLI::App* new_kernel = nullptr;

  bool help = false;
  bool version = false;
  RunArguments run_arguments;
  std::string chunk_size;
  std::string workers;
  std::string memory;
  std::string cache;
  std::map<std::string, std::string> faults;  // by their names in a job file
  bool bisect = false;
  std::string joblog;
  std::string progress = "auto";
  KernelsArguments kernels_arguments;
  InspectArguments inspect_arguments;
  NewKernelArguments new_kernel_arguments;

  Parser();
  void add_run();
  CLI::App* add_command(const char* name);
};

void add_repeatable(CLI::App* command, const char* names, std::vector<std::string>& values) {
  command->add_option(names, values)->allow_extra_args(false);
}

CLI::Option* add_single(CLI::App* command, const char* names, std::string& value) {
  return command->add_option(names, value)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

// "stopped_timeout" is --stopped-timeout.
std::string option_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

Parser::Parser() {
  app.set_help_flag();
  app.allow_extras();
  app.require_subcommand(0, 1);
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);
  add_run();
  kernels = add_command("kernels");
  kernels->add_option("name", kernels_arguments.name);
  add_repeatable(kernels, "--plugin", kernels_arguments.plugins);
  inspect = add_command("inspect");
  inspect->add_option("file", inspect_arguments.file);
  new_kernel = add_command("new-kernel");
  new_kernel->add_option("name", new_kernel_arguments.name);
  add_single(new_kernel, "--folder", new_kernel_arguments.folder);
}

CLI::App* Parser::add_command(const char* name) {
  CLI::App* command = app.add_subcommand(name);
  command->set_help_flag();
  command->allow_extras();
  command->add_flag("-h,--help", help);
  return command;
}

void Parser::add_run() {
  run = add_command("run");
  run->add_option("target", run_arguments.target);
  add_repeatable(run, "-i,--input", run_arguments.inputs);
  add_repeatable(run, "-o,--output", run_arguments.outputs);
  add_repeatable(run, "-p,--param", run_arguments.params);
  add_repeatable(run, "--plugin", run_arguments.plugins);
  add_single(run, "--chunk-size", chunk_size);
  add_single(run, "--workers", workers);
  add_single(run, "--memory", memory);
  add_single(run, "--cache", cache);
  for (const std::string& name : fault_option_names()) {
    if (name != "bisect") {
      add_single(run, option_of(name).c_str(), faults[name]);
    }
  }
  run->add_flag("--bisect", bisect);
  add_single(run, "--joblog", joblog);
  add_single(run, "--progress", progress);
  run->add_flag("--in-memory", run_arguments.in_memory);
  run->add_flag("--in-process", run_arguments.in_process);
  run->add_flag("--dry-run", run_arguments.dry_run);
  run->add_flag("--json", run_arguments.json);
  run->add_flag("--no-clobber", run_arguments.no_clobber);
}

[[noreturn]] void throw_usage(std::string message, std::string_view command) {
  throw Error(ErrorCode::kInvalid,
              {std::move(message), "",
               fmt::format("See \"gristmill{}{} --help\".", command.empty() ? "" : " ", command)});
}

// Empty for the program itself, whose name CLI11 takes from argv.
std::string command_name(const CLI::App& command) {
  return command.get_parent() == nullptr ? "" : command.get_name();
}

std::vector<std::string> long_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

// What CLI11 could not place.
void check_extras(const CLI::App& command) {
  const std::vector<std::string> extras = command.remaining();
  for (const std::string& extra : extras) {
    if (extra.size() > 1 && extra[0] == '-') {
      const std::string option = extra.substr(0, extra.find('='));
      throw_usage(unknown_name("option", option, long_options(command)).message(),
                  command_name(command));
    }
  }
  if (!extras.empty() && command_name(command).empty()) {
    const std::vector<std::string> known = {"run", "kernels", "inspect", "new-kernel"};
    throw_usage(unknown_name("command", extras[0], known).message(), "");
  }
  if (!extras.empty()) {
    throw_usage(fmt::format("unexpected argument \"{}\"", extras[0]), command_name(command));
  }
}

// A flag was given a value, or an option none.
[[noreturn]] void throw_parse_error(const CLI::ParseError& error, std::string_view command) {
  const std::string text = error.what();
  const std::string option = text.substr(0, text.find_first_of(": "));
  if (option.starts_with("--") && dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr &&
      text.find("missing") != std::string::npos) {
    throw_usage(fmt::format("option \"{}\" has no value", option), command);
  }
  throw_usage(fmt::format("could not read the command line: {}", text), command);
}

ProgressMode progress_mode_named(const std::string& name) {
  const std::map<std::string, ProgressMode> modes = {{"auto", ProgressMode::kAuto},
                                                     {"bar", ProgressMode::kBar},
                                                     {"plain", ProgressMode::kPlain},
                                                     {"none", ProgressMode::kNone}};
  const auto mode = modes.find(name);
  if (mode == modes.end()) {
    throw_usage(fmt::format("invalid progress mode \"{}\": not auto, bar, plain or none", name),
                "run");
  }
  return mode->second;
}

std::optional<std::string> given(const CLI::App& command, const char* option,
                                 const std::string& value) {
  return command.count(option) == 0 ? std::nullopt : std::optional(value);
}

Command run_command_of(Parser& parser) {
  if (parser.run->count("target") == 0) {
    throw_usage("no kernel and no job file given", "run");
  }
  RunArguments arguments = std::move(parser.run_arguments);
  arguments.chunk_size = given(*parser.run, "--chunk-size", parser.chunk_size);
  arguments.workers = given(*parser.run, "--workers", parser.workers);
  arguments.memory = given(*parser.run, "--memory", parser.memory);
  arguments.cache = given(*parser.run, "--cache", parser.cache);
  for (const auto& [name, value] : parser.faults) {
    if (parser.run->count(option_of(name)) > 0) {
      arguments.faults[name] = value;
    }
  }
  if (parser.bisect) {
    arguments.faults["bisect"] = "true";
  }
  arguments.joblog = given(*parser.run, "--joblog", parser.joblog);
  arguments.progress = progress_mode_named(parser.progress);
  return arguments;
}

Command command_of(Parser& parser) {
  if (parser.run->parsed()) {
    return run_command_of(parser);
  }
  if (parser.kernels->parsed()) {
    return std::move(parser.kernels_arguments);
  }
  if (parser.inspect->parsed()) {
    if (parser.inspect->count("file") == 0) {
      throw_usage("no file given", "inspect");
    }
    return std::move(parser.inspect_arguments);
  }
  if (parser.new_kernel->parsed()) {
    if (parser.new_kernel->count("name") == 0) {
      throw_usage("no name given", "new-kernel");
    }
    return std::move(parser.new_kernel_arguments);
  }
  throw_usage("no command given", "");
}

}  // namespace

Command parse_arguments(int argc, const char* const* argv) {
  Parser parser;
  parser.new_kernel_arguments.program = argv[0];
  const CLI::App* command = &parser.app;
  const auto find_command = [&] {
    for (const CLI::App* candidate :
         {parser.run, parser.kernels, parser.inspect, parser.new_kernel}) {
      if (candidate->parsed()) {
        command = candidate;
      }
    }
  };
  try {
    parser.app.parse(argc, argv);
    find_command();
  } catch (const CLI::ParseError& error) {
    find_command();
    throw_parse_error(error, command_name(*command));
  }
  if (parser.help) {
    return TextRequest{help_text(command_name(*command))};
  }
  if (parser.version) {
    return TextRequest{fmt::format("gristmill {}\n", version())};
  }
  check_extras(parser.app);
  check_extras(*command);
  return command_of(parser);
}

}  // namespace gristmill::cli
