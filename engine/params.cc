#include "engine/params.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "engine/declared_names.h"
#include "engine/printable.h"

namespace gristmill::engine {
namespace {

constexpr std::size_t kMaxTextBytes = 4096;
constexpr std::size_t kMaxListLength = 4096;

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<ParamValue> list_in(std::string_view text) {
  std::vector<double> values;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::optional<double> value = number_in<double>(text.substr(0, comma));
    if (!value) return std::nullopt;
    values.push_back(*value);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return values;
}

std::optional<ParamValue> read_text(const std::string& type, const std::string& text) {
  if (type == "string") return ParamValue(text);
  if (type == "list") return list_in(text);
  if (type == "bool") {
    if (text == "true" || text == "1") return ParamValue(true);
    if (text == "false" || text == "0") return ParamValue(false);
  }
  if (type == "int") {
    if (const auto value = number_in<std::int64_t>(text)) return ParamValue(*value);
  }
  if (type == "float") {
    if (const auto value = number_in<double>(text)) return ParamValue(*value);
  }
  return std::nullopt;
}

std::optional<ParamValue> convert(const std::string& type, const ParamValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return read_text(type, *text);
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (type == "float" && integer != nullptr) return ParamValue(static_cast<double>(*integer));
  const bool fits = (type == "bool" && std::holds_alternative<bool>(value)) ||
                    (type == "int" && integer != nullptr) ||
                    (type == "float" && std::holds_alternative<double>(value)) ||
                    (type == "list" && std::holds_alternative<std::vector<double>>(value));
  return fits ? std::optional(value) : std::nullopt;
}

std::string in_words(const ParamValue& value) {
  struct Writer {
    std::string operator()(bool given) const { return given ? "true" : "false"; }
    std::string operator()(std::int64_t given) const { return std::to_string(given); }
    std::string operator()(double given) const { return std::to_string(given); }
    std::string operator()(const std::string& given) const { return given; }
    std::string operator()(const std::vector<double>&) const { return "a list"; }
  };
  return std::visit(Writer(), value);
}

void require_sendable(const std::string& name, const ParamValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto* list = std::get_if<std::vector<double>>(&value);
  if ((text != nullptr && text->size() > kMaxTextBytes) ||
      (list != nullptr && list->size() > kMaxListLength)) {
    throw ParameterError(
        name, {"parameter \"" + name + "\" is too large: at most 4,096 bytes of text or numbers",
               {},
               "Hand large data over as an input."});
  }
}

bool is_whole_number(const ParamValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  const std::size_t first = text->starts_with('-') ? 1 : 0;
  return text->size() > first && text->find_first_not_of("0123456789", first) == std::string::npos;
}

ParamValue resolve(const KernelInfo::Param& param, const ParamValue& given) {
  std::optional<ParamValue> value = convert(param.type, given);
  if (!value && param.type == "int" && is_whole_number(given)) {
    throw ParameterError(param.name,
                         {"parameter \"" + param.name + "\" is of type int, and " +
                              printable(in_words(given)) + " is beyond its 64 bits",
                          {},
                          param.help.empty() ? "" : param.name + ": " + param.help + "."});
  }
  if (!value) {
    throw ParameterError(param.name,
                         {"parameter \"" + param.name + "\" is of type " + param.type + ", and \"" +
                              in_words(given) + "\" is none",
                          {},
                          param.help.empty() ? "" : param.name + ": " + param.help + "."});
  }
  require_sendable(param.name, *value);
  return std::move(*value);
}

}  // namespace

std::vector<ParamValue> resolve_params(const KernelInfo& kernel,
                                       const std::map<std::string, ParamValue>& given) {
  std::vector<std::string> known;
  std::vector<ParamValue> values;
  for (const KernelInfo::Param& param : kernel.params) {
    known.push_back(param.name);
    const auto found = given.find(param.name);
    if (param.required && found == given.end()) {
      throw Error(ErrorCode::kInvalid,
                  {"kernel \"" + kernel.name + "\" needs parameter \"" + param.name + "\"",
                   {},
                   param.name + ": " + param.help + "."});
    }
    values.push_back(
        resolve(param, found == given.end() ? ParamValue(param.default_value) : found->second));
  }
  for (const auto& [name, value] : given) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ParameterError(name, unknown_of(kernel.name, "parameter", name, known).text(),
                           ParameterError::About::kName);
    }
  }
  return values;
}

}  // namespace gristmill::engine
