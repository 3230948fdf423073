#include "cli/kernels_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <gristmill/engine.h>

namespace gristmill::cli {
namespace {

std::string list_text(const std::vector<KernelInfo>& kernels) {
  std::size_t width = 0;
  for (const KernelInfo& kernel : kernels) {
    width = std::max(width, kernel.name.size());
  }
  std::string text;
  for (const KernelInfo& kernel : kernels) {
    text += fmt::format("{:<{}}  {}\n", kernel.name, width, kernel.summary);
  }
  return text;
}

std::string inputs_text(const KernelInfo& kernel) {
  std::string text = kernel.inputs.empty() ? "" : "\ninputs\n";
  for (const KernelInfo::Input& input : kernel.inputs) {
    text +=
        fmt::format("  {}{}: {}\n", input.name, input.optional ? " (optional)" : "", input.help);
  }
  return text;
}

std::string params_text(const KernelInfo& kernel) {
  std::string text = kernel.params.empty() ? "" : "\nparameters\n";
  for (const KernelInfo::Param& param : kernel.params) {
    text += fmt::format("  {} ({}, default {}): {}\n", param.name, param.type, param.default_value,
                        param.help);
  }
  return text;
}

std::string outputs_text(const KernelInfo& kernel) {
  std::string text = kernel.outputs.empty() ? "" : "\noutputs\n";
  for (const KernelInfo::Output& output : kernel.outputs) {
    text += fmt::format("  {}: {}\n", output.name, output.help);
  }
  return text;
}

std::string description_text(const KernelInfo& kernel) {
  std::string text = fmt::format("{}: {}\n", kernel.name, kernel.summary);
  if (!kernel.description.empty()) {
    text += fmt::format("\n{}\n", kernel.description);
  }
  return text + inputs_text(kernel) + params_text(kernel) + outputs_text(kernel) +
         fmt::format("\nfrom {}\n", kernel.plugin);
}

EngineOptions one_worker_with(const std::vector<std::string>& plugins) {
  return {.workers = 1, .plugins = {plugins.begin(), plugins.end()}};
}

}  // namespace

void show_kernels(const KernelsArguments& arguments) {
  Engine engine(one_worker_with(arguments.plugins));
  const std::string text = arguments.name.empty() ? list_text(engine.kernels())
                                                  : description_text(engine.kernel(arguments.name));
  std::fputs(text.c_str(), stdout);
}

}  // namespace gristmill::cli
