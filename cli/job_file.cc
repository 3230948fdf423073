#include "cli/job_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include <gristmill/error.h>

namespace gristmill::cli {
namespace {

std::string place_of(const toml::source_region& source) {
  return fmt::format("line {}, column {}", source.begin.line, source.begin.column);
}

class JobFileReader {
 public:
  explicit JobFileReader(std::filesystem::path path)
      : path_(std::move(path)), folder_(path_.parent_path()) {}

  JobRequest read();

 private:
  std::string content() const;
  toml::table parse() const;
  void read_entry(const toml::key& name, const toml::node& node);
  void read_params(const toml::table& params);
  void read_inputs(const toml::table& inputs);
  void read_outputs(const toml::table& outputs);
  void read_plugins(const toml::node& node);
  InputArgument read_input(std::string_view name, const toml::node& node) const;
  RawLayout read_layout(const toml::table& input) const;
  Shape read_shape(const toml::node& node) const;
  ChunkSize read_chunk_size(const toml::node& node) const;
  std::int64_t read_size(std::string_view key, const toml::node& node,
                         std::int64_t (*size_of_text)(std::string_view)) const;
  ParamValue read_param(std::string_view name, const toml::node& node) const;

  // The node as that type; wanted: "a string".
  template <class T>
  T value_of(std::string_view key, const toml::node& node, const char* wanted) const;
  const toml::table& table_of(std::string_view key, const toml::node& node) const;
  std::filesystem::path path_of(std::string_view key, const toml::node& node) const;

  // The reader's answer; its error with this file and the node's line in front.
  template <class Reader>
  auto at(const toml::node& node, Reader reader) const -> decltype(reader());

  [[noreturn]] void fail(const toml::node& node, std::string reason, std::string hint = "") const;
  [[noreturn]] void fail(const toml::source_region& source, std::string reason,
                         std::string hint = "") const;
  [[noreturn]] void fail(std::string reason, std::string hint = "") const;

  std::filesystem::path path_;
  std::filesystem::path folder_;
  JobRequest request_;
};

JobRequest JobFileReader::read() {
  const toml::table table = parse();
  for (const auto& [key, node] : table) {
    read_entry(key, node);
  }
  if (request_.kernel.empty()) {
    fail("no kernel", "Begin it with a line like kernel = \"nearest\".");
  }
  return std::move(request_);
}

std::string JobFileReader::content() const {
  std::error_code error;
  const auto status = std::filesystem::status(path_, error);
  if (!std::filesystem::exists(status)) {
    fail(error && error != std::errc::no_such_file_or_directory ? error.message() : "no such file");
  }
  // Reading from a FIFO would wait for its writer.
  if (!std::filesystem::is_regular_file(status)) {
    fail("not a regular file");
  }
  std::ifstream file(path_);
  if (!file) {
    fail(std::strerror(errno));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

toml::table JobFileReader::parse() const {
  try {
    return toml::parse(content());
  } catch (const toml::parse_error& error) {
    fail(fmt::format("{}: {}", place_of(error.source()), error.description()));
  }
}

void JobFileReader::read_entry(const toml::key& name, const toml::node& node) {
  const std::string_view key = name.str();
  if (key == "kernel") {
    request_.kernel = value_of<std::string>(key, node, "a string");
  } else if (key == "chunk_size") {
    request_.chunk_size = read_chunk_size(node);
  } else if (key == "workers") {
    const auto workers = value_of<std::int64_t>(key, node, "a whole number");
    request_.workers = at(node, [&] { return parse_workers(std::to_string(workers)); });
  } else if (key == "memory") {
    request_.memory_bytes = read_size(key, node, parse_memory_limit);
  } else if (key == "cache") {
    request_.cache_bytes = read_size(key, node, parse_cache_limit);
  } else if (key == "in_memory") {
    request_.in_memory = value_of<bool>(key, node, "true or false");
  } else if (key == "in_process") {
    request_.in_process = value_of<bool>(key, node, "true or false");
  } else if (key == "plugins") {
    read_plugins(node);
  } else if (key == "inputs") {
    read_inputs(table_of(key, node));
  } else if (key == "outputs") {
    read_outputs(table_of(key, node));
  } else if (key == "params") {
    read_params(table_of(key, node));
  } else {
    const std::vector<std::string> known = {"kernel", "chunk_size", "workers",    "memory",
                                            "cache",  "in_memory",  "in_process", "plugins",
                                            "inputs", "outputs",    "params"};
    fail(name.source(), unknown_name("key", key, known).message());
  }
}

void JobFileReader::read_params(const toml::table& params) {
  const auto place = [&](const toml::source_region& source) {
    return fmt::format("job file \"{}\", {}", path_.string(), place_of(source));
  };
  for (const auto& [name, value] : params) {
    request_.params.emplace(name.str(), read_param(name.str(), value));
    request_.param_places.emplace(name.str(),
                                  ParamPlace{place(name.source()), place(value.source())});
  }
}

void JobFileReader::read_inputs(const toml::table& inputs) {
  for (const auto& [name, node] : inputs) {
    request_.inputs.push_back(read_input(name.str(), node));
  }
}

void JobFileReader::read_outputs(const toml::table& outputs) {
  for (const auto& [name, node] : outputs) {
    request_.outputs.push_back({std::string(name.str()), path_of(name.str(), node)});
  }
}

void JobFileReader::read_plugins(const toml::node& node) {
  if (const toml::array* files = node.as_array()) {
    for (const toml::node& file : *files) {
      request_.plugins.push_back(path_of("plugins", file));
    }
  } else {
    request_.plugins.push_back(path_of("plugins", node));
  }
}

InputArgument JobFileReader::read_input(std::string_view name, const toml::node& node) const {
  InputArgument input{std::string(name), {}, {}};
  if (!node.is_table()) {
    input.path = path_of(name, node);
    return input;
  }
  const toml::table& table = table_of(name, node);
  for (const auto& [key, value] : table) {
    if (key == "path") {
      input.path = path_of(key.str(), value);
    } else if (key != "dtype" && key != "shape" && key != "offset") {
      const std::vector<std::string> known = {"path", "dtype", "shape", "offset"};
      fail(key.source(), unknown_name("key of an input", key.str(), known).message());
    }
  }
  if (input.path.empty()) {
    fail(node, fmt::format("no path in input \"{}\"", name));
  }
  if (table.contains("dtype") || table.contains("shape") || table.contains("offset")) {
    input.layout = read_layout(table);
  }
  return input;
}

RawLayout JobFileReader::read_layout(const toml::table& input) const {
  const toml::node* dtype = input.get("dtype");
  const toml::node* shape = input.get("shape");
  if (dtype == nullptr || shape == nullptr) {
    fail(input, fmt::format("no {} of the raw input", dtype == nullptr ? "dtype" : "shape"),
         "A raw file needs both dtype and shape; a .npy file neither.");
  }
  const auto dtype_name = value_of<std::string>("dtype", *dtype, "a string");
  RawLayout layout{at(*dtype, [&] { return parse_dtype(dtype_name); }), read_shape(*shape), 0};
  if (const toml::node* offset = input.get("offset")) {
    layout.offset_bytes = value_of<std::int64_t>("offset", *offset, "a number of bytes");
    if (layout.offset_bytes < 0) {
      fail(*offset, fmt::format("offset {} is negative", layout.offset_bytes));
    }
  }
  return layout;
}

Shape JobFileReader::read_shape(const toml::node& node) const {
  constexpr const char* kWanted = "a list of lengths";
  std::string text;
  if (const toml::array* lengths = node.as_array()) {
    for (const toml::node& length : *lengths) {
      text += text.empty() ? "" : "x";
      text += std::to_string(value_of<std::int64_t>("shape", length, kWanted));
    }
  } else {
    text = value_of<std::string>("shape", node, kWanted);
  }
  return at(node, [&] { return parse_shape(text); });
}

ChunkSize JobFileReader::read_chunk_size(const toml::node& node) const {
  const std::string text =
      node.is_integer() ? std::to_string(node.as_integer()->get())
                        : value_of<std::string>("chunk_size", node, "a whole number or a string");
  return at(node, [&] { return ChunkSize::parse(text); });
}

std::int64_t JobFileReader::read_size(std::string_view key, const toml::node& node,
                                      std::int64_t (*size_of_text)(std::string_view)) const {
  const std::string text = node.is_integer()
                               ? std::to_string(node.as_integer()->get())
                               : value_of<std::string>(key, node, "a whole number or a string");
  return at(node, [&] { return size_of_text(text); });
}

ParamValue JobFileReader::read_param(std::string_view name, const toml::node& node) const {
  if (node.is_boolean()) {
    return node.as_boolean()->get();
  }
  if (node.is_integer()) {
    return node.as_integer()->get();
  }
  if (node.is_floating_point()) {
    return node.as_floating_point()->get();
  }
  if (node.is_string()) {
    return node.as_string()->get();
  }
  constexpr const char* kWanted = "true or false, a number, a string or a list of numbers";
  std::vector<double> list;
  if (const toml::array* values = node.as_array()) {
    for (const toml::node& value : *values) {
      list.push_back(value_of<double>(name, value, kWanted));
    }
    return list;
  }
  fail(node, fmt::format("\"{}\" is not {}", name, kWanted));
}

template <class T>
T JobFileReader::value_of(std::string_view key, const toml::node& node, const char* wanted) const {
  std::optional<T> value;
  if constexpr (std::is_same_v<T, double>) {
    // A list may mix 1 and 1.5, but true is no number.
    value = node.is_number() ? node.value<double>() : std::nullopt;
  } else {
    value = node.value_exact<T>();
  }
  if (!value) {
    fail(node, fmt::format("\"{}\" is not {}", key, wanted));
  }
  return *value;
}

const toml::table& JobFileReader::table_of(std::string_view key, const toml::node& node) const {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    fail(node, fmt::format("\"{}\" is not a table", key), fmt::format("Begin it with [{}].", key));
  }
  return *table;
}

std::filesystem::path JobFileReader::path_of(std::string_view key, const toml::node& node) const {
  const auto text = value_of<std::string>(key, node, "a file name");
  if (text.empty()) {
    fail(node, fmt::format("\"{}\" is not a file name", key));
  }
  return folder_ / text;
}

template <class Reader>
auto JobFileReader::at(const toml::node& node, Reader reader) const -> decltype(reader()) {
  try {
    return reader();
  } catch (const Error& error) {
    fail(node, error.message(), error.hint());
  }
}

void JobFileReader::fail(const toml::node& node, std::string reason, std::string hint) const {
  fail(node.source(), std::move(reason), std::move(hint));
}

void JobFileReader::fail(const toml::source_region& source, std::string reason,
                         std::string hint) const {
  fail(fmt::format("{}: {}", place_of(source), reason), std::move(hint));
}

void JobFileReader::fail(std::string reason, std::string hint) const {
  throw Error(ErrorCode::kInvalid,
              {fmt::format("could not read job file \"{}\": {}", path_.string(), reason), "",
               std::move(hint)});
}

}  // namespace

JobRequest read_job_file(const std::filesystem::path& path) { return JobFileReader(path).read(); }

}  // namespace gristmill::cli
