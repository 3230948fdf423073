#include "cli/kernels_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <gristmill/engine.h>

namespace gristmill::cli {
namespace {

// Breaks lines between words, at the width of a terminal. Lines after the first are indented; the
// first is taken to begin at the column of the indent.
std::string wrapped(std::string_view text, std::size_t indent) {
  constexpr std::size_t kWidth = 80;
  const std::string line_break = "\n" + std::string(indent, ' ');
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (column > indent && column + 1 + end > kWidth) {
      result += line_break;
      column = indent;
    }
    if (column > indent) {
      result += ' ';
      ++column;
    }
    result += text.substr(0, end);
    column += end;
    if (end < text.size() && text[end] == '\n') {
      result += line_break;
      column = indent;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

// "  points: what it is", hanging below the name.
std::string entry_text(const std::string& name, const std::string& help) {
  return fmt::format("  {}\n", wrapped(name + ": " + help, 4));
}

// Where a kernel of a plug-in is from, and what it hides: of one name the first is taken. The
// built-in ones are the last.
std::string origin_text(const std::vector<KernelInfo>& kernels, std::size_t index) {
  const std::string& built_in = kernels.back().plugin;
  const KernelInfo& kernel = kernels[index];
  if (kernel.plugin == built_in) {
    return "";
  }
  std::string text = fmt::format("from {}", kernel.plugin);
  for (std::size_t other = index + 1; other < kernels.size(); ++other) {
    if (kernels[other].name == kernel.name) {
      text += kernels[other].plugin == built_in
                  ? ", hides the built-in one"
                  : fmt::format(", hides that of {}", kernels[other].plugin);
    }
  }
  return fmt::format(" ({})", text);
}

bool is_hidden(const std::vector<KernelInfo>& kernels, std::size_t index) {
  const auto end = kernels.begin() + static_cast<std::ptrdiff_t>(index);
  return std::any_of(kernels.begin(), end, [&](const KernelInfo& earlier) {
    return earlier.name == kernels[index].name;
  });
}

std::string list_text(const std::vector<KernelInfo>& kernels) {
  std::size_t width = 0;
  for (const KernelInfo& kernel : kernels) {
    width = std::max(width, kernel.name.size());
  }
  std::string text;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    if (!is_hidden(kernels, i)) {
      text += fmt::format("{:<{}}  {}{}\n", kernels[i].name, width, kernels[i].summary,
                          origin_text(kernels, i));
    }
  }
  return text;
}

std::string inputs_text(const KernelInfo& kernel) {
  std::string text = kernel.inputs.empty() ? "" : "\ninputs\n";
  for (const KernelInfo::Input& input : kernel.inputs) {
    text += entry_text(input.name + (input.optional ? " (optional)" : ""), input.help);
  }
  return text;
}

std::string params_text(const KernelInfo& kernel) {
  std::string text = kernel.params.empty() ? "" : "\nparameters\n";
  for (const KernelInfo::Param& param : kernel.params) {
    const std::string value = param.required                ? "must be given"
                              : param.default_value.empty() ? "default empty"
                                                            : "default " + param.default_value;
    text += entry_text(fmt::format("{} ({}, {})", param.name, param.type, value), param.help);
  }
  return text;
}

std::string outputs_text(const KernelInfo& kernel) {
  std::string text = kernel.outputs.empty() ? "" : "\noutputs\n";
  for (const KernelInfo::Output& output : kernel.outputs) {
    text += entry_text(output.name, output.help);
  }
  return text;
}

std::string description_text(const KernelInfo& kernel) {
  std::string text = fmt::format("{}: {}\n", kernel.name, kernel.summary);
  if (!kernel.description.empty()) {
    text += fmt::format("\n{}\n", wrapped(kernel.description, 0));
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
