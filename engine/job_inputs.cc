#include "engine/job_inputs.h"

#include <string>

#include "engine/declared_names.h"

namespace gristmill::engine {
namespace {

// The input that a nameless one stands for: the only required one.
std::size_t nameless_input(const KernelInfo& kernel) {
  std::vector<std::size_t> required;
  for (std::size_t i = 0; i < kernel.inputs.size(); ++i) {
    if (!kernel.inputs[i].optional) required.push_back(i);
  }
  if (required.size() == 1) return required[0];
  if (kernel.inputs.empty()) throw invalid("kernel \"" + kernel.name + "\" takes no input");
  throw invalid("kernel \"" + kernel.name + "\" has several inputs: name each one",
                "They are called " + joined(names_of(kernel.inputs)) + ".");
}

std::string axes_in_words(std::size_t rank) {
  return std::to_string(rank) + (rank == 1 ? " axis" : " axes");
}

std::string ranks_in_words(const KernelInfo::Input& input) {
  if (input.max_rank == 0) return "at least " + std::to_string(input.min_rank);
  if (input.min_rank == input.max_rank) return std::to_string(input.min_rank);
  return std::to_string(input.min_rank) + " to " + std::to_string(input.max_rank);
}

void require_declared(const KernelInfo::Input& input, const Dataset& data) {
  const auto help = [&] { return input.name + ": " + input.help + "."; };
  const auto fits = std::find(input.dtypes.begin(), input.dtypes.end(), data.dtype());
  if (!input.dtypes.empty() && fits == input.dtypes.end()) {
    std::string names;
    for (const DType dtype : input.dtypes) {
      names += (names.empty() ? "" : " or ") + std::string(name_of(dtype));
    }
    throw invalid(
        "input \"" + input.name + "\" is " + std::string(name_of(data.dtype())) + ", not " + names,
        "Convert it, or choose another file. " + help());
  }
  const std::size_t rank = data.shape().size();
  if (rank < input.min_rank || (input.max_rank != 0 && rank > input.max_rank)) {
    throw invalid("input \"" + input.name + "\" has " + axes_in_words(rank) + ", not " +
                      ranks_in_words(input),
                  help());
  }
}

}  // namespace

std::vector<std::optional<Dataset>> match_inputs(const KernelInfo& kernel,
                                                 const std::vector<Input>& given) {
  const std::vector<std::string> known = names_of(kernel.inputs);
  std::vector<std::optional<Dataset>> inputs(known.size());
  for (const Input& input : given) {
    const std::size_t index = input.name.empty()
                                  ? nameless_input(kernel)
                                  : index_of(kernel.name, "input", input.name, known);
    if (inputs[index]) throw invalid("input \"" + known[index] + "\" is given twice");
    require_declared(kernel.inputs[index], input.data);
    inputs[index] = input.data;
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!inputs[i] && !kernel.inputs[i].optional) {
      throw invalid("kernel \"" + kernel.name + "\" needs input \"" + known[i] + "\"",
                    known[i] + ": " + kernel.inputs[i].help + ".");
    }
  }
  return inputs;
}

}  // namespace gristmill::engine
