#include "workers/kernel_table.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <set>

#include "ipc/channel.h"
#include "workers/plugin_file.h"

namespace gristmill::workers {
namespace {

// What a message can carry.
constexpr std::uint32_t kMaxDeclared = 64;
// An OpenJob has a descriptor for each input and output, one for the control segment, and one for
// partial results or emitted rows.
static_assert(kMaxDeclared + GM_MAX_OUTPUTS + 2 <= ipc::kMaxChannelFds);

// Sizes in ABI 1.0, which every later version has at least.
template <class Decl>
constexpr std::uint32_t kLeastBytes = 0;
template <>
constexpr std::uint32_t kLeastBytes<gm_input_decl> = offsetof(gm_input_decl, max_rank) +
                                                     sizeof(gm_input_decl::max_rank);
template <>
constexpr std::uint32_t kLeastBytes<gm_param_decl> = offsetof(gm_param_decl, reserved) +
                                                     sizeof(gm_param_decl::reserved);
template <>
constexpr std::uint32_t kLeastBytes<gm_output_decl> = offsetof(gm_output_decl, help) +
                                                      sizeof(gm_output_decl::help);
template <>
constexpr std::uint32_t kLeastBytes<gm_kernel> = offsetof(gm_kernel, finish) +
                                                 sizeof(gm_kernel::finish);
static_assert(kLeastBytes<gm_input_decl> == 32 && kLeastBytes<gm_param_decl> == 32 &&
              kLeastBytes<gm_output_decl> == 16 && kLeastBytes<gm_kernel> == 136);

// As large as this version has it; what the plug-in's does not have is zero.
template <class Struct>
Struct copy_of_struct(const void* of_plugin, std::uint32_t size) {
  Struct copy{};
  std::memcpy(&copy, of_plugin, std::min(std::size_t{size}, sizeof copy));
  return copy;
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

const char* name_of_type(gm_param_type type) {
  switch (type) {
    case GM_PARAM_BOOL:
      return "bool";
    case GM_PARAM_INT:
      return "int";
    case GM_PARAM_FLOAT:
      return "float";
    case GM_PARAM_STRING:
      return "string";
    case GM_PARAM_LIST:
      return "list";
    default:
      return nullptr;
  }
}

// The declarations at that distance of each other.
template <class Decl>
std::optional<std::vector<Decl>> copy_of(const Decl* declarations, std::uint32_t count,
                                         std::uint32_t size, std::uint32_t most) {
  if (count > most || (count != 0 && (declarations == nullptr || size < kLeastBytes<Decl>))) {
    return std::nullopt;
  }
  std::vector<Decl> copies;
  for (std::uint32_t i = 0; i < count; ++i) {
    copies.push_back(copy_of_struct<Decl>(
        reinterpret_cast<const std::byte*>(declarations) + std::size_t{size} * i, size));
  }
  return copies;
}

// A name that is left out or given twice.
template <class Decl>
bool has_wrong_names(const std::vector<Decl>& declarations) {
  std::set<std::string> names;
  return std::any_of(declarations.begin(), declarations.end(), [&](const Decl& declaration) {
    return text_or_empty(declaration.name).empty() || !names.insert(declaration.name).second;
  });
}

// What is missing in a kernel, or empty.
std::string fault_of(const gm_kernel& kernel) {
  if (kernel.plan == nullptr || kernel.open == nullptr || kernel.run == nullptr ||
      kernel.close == nullptr) {
    return "is incomplete: it lacks plan, open, run or close";
  }
  if (kernel.pattern > GM_EMIT) {
    return "is of pattern " + std::to_string(kernel.pattern) + ", which is none";
  }
  const bool reduces = kernel.pattern == GM_REDUCE;
  if (reduces != (kernel.merge != nullptr) || reduces != (kernel.finish != nullptr)) {
    return reduces ? "is incomplete: a reduce has merge and finish"
                   : "has merge or finish, which only a reduce has";
  }
  if (kernel.output_count == 0) return "has no output";
  return {};
}

std::string fault_of(const std::vector<gm_input_decl>& inputs) {
  constexpr gm_dtype_set kKnown = ((gm_dtype_set{2} << GM_COMPLEX128) - 1) & ~gm_dtype_set{1};
  for (const gm_input_decl& input : inputs) {
    const bool ranks_fit = input.max_rank <= GM_MAX_RANK && input.min_rank <= GM_MAX_RANK &&
                           (input.max_rank == 0 || input.min_rank <= input.max_rank);
    if ((input.dtypes & ~kKnown) != 0 || !ranks_fit) {
      return "declares no sensible dtypes and ranks for input \"" + text_or_empty(input.name) +
             "\"";
    }
  }
  return {};
}

std::string fault_of(const std::vector<gm_param_decl>& params) {
  for (const gm_param_decl& param : params) {
    if (name_of_type(param.type) == nullptr) {
      return "declares parameter \"" + text_or_empty(param.name) + "\" of a type that is none";
    }
  }
  return {};
}

std::vector<DType> dtypes_in(gm_dtype_set set) {
  std::vector<DType> dtypes;
  for (gm_dtype dtype = GM_BOOL; dtype <= GM_COMPLEX128; ++dtype) {
    if ((set >> dtype & 1U) != 0) dtypes.push_back(static_cast<DType>(dtype));
  }
  return dtypes;
}

}  // namespace

KernelTable::KernelTable(const std::string& path, std::uint32_t number, const gm_kernel* kernel) {
  const bool named = kernel != nullptr && kernel->struct_size >= kLeastBytes<gm_kernel> &&
                     !text_or_empty(kernel->name).empty();
  const auto refuse = [&](const std::string& fault) {
    const std::string which =
        named ? "\"" + std::string(kernel->name) + "\"" : "number " + std::to_string(number);
    throw refused_plugin(path, "its kernel " + which + " " + fault);
  };
  if (!named) refuse("is incomplete: it has no name, or less than ABI 1.0 has");
  kernel_ = copy_of_struct<gm_kernel>(kernel, kernel->struct_size);
  auto inputs = copy_of(kernel->inputs, kernel->input_count, kernel->input_decl_size, kMaxDeclared);
  auto params = copy_of(kernel->params, kernel->param_count, kernel->param_decl_size, kMaxDeclared);
  auto outputs =
      copy_of(kernel->outputs, kernel->output_count, kernel->output_decl_size, GM_MAX_OUTPUTS);
  if (!inputs || !params || !outputs) {
    refuse("is incomplete: its declarations are missing, too small or too many");
  }
  inputs_ = std::move(*inputs);
  params_ = std::move(*params);
  outputs_ = std::move(*outputs);
  if (has_wrong_names(inputs_) || has_wrong_names(params_) || has_wrong_names(outputs_)) {
    refuse("declares something without a name, or twice");
  }
  for (const std::string& fault : {fault_of(kernel_), fault_of(inputs_), fault_of(params_)}) {
    if (!fault.empty()) refuse(fault);
  }
  kernel_.inputs = inputs_.data();
  kernel_.params = params_.data();
  kernel_.outputs = outputs_.data();
}

KernelInfo KernelTable::info(const std::string& path) const {
  KernelInfo info;
  info.name = kernel_.name;
  info.pattern = static_cast<Pattern>(kernel_.pattern);
  info.summary = text_or_empty(kernel_.summary);
  info.description = text_or_empty(kernel_.description);
  info.plugin = path;
  for (const gm_input_decl& input : inputs_) {
    info.inputs.push_back({input.name, text_or_empty(input.help), (input.flags & GM_OPTIONAL) != 0,
                           dtypes_in(input.dtypes), input.min_rank, input.max_rank});
  }
  for (const gm_param_decl& param : params_) {
    info.params.push_back({param.name, name_of_type(param.type), text_or_empty(param.default_value),
                           text_or_empty(param.help), param.default_value == nullptr});
  }
  for (const gm_output_decl& output : outputs_) {
    info.outputs.push_back({output.name, text_or_empty(output.help)});
  }
  return info;
}

}  // namespace gristmill::workers
