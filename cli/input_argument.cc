#include "cli/input_argument.h"

#include <cctype>
#include <charconv>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include <gristmill/error.h>

namespace gristmill::cli {
namespace {

constexpr std::string_view kLayoutBegin = ":dtype=";
constexpr const char* kLayoutHint =
    "Write FILE:dtype=int16,shape=200000x3,offset=528; the offset is in bytes.";

[[noreturn]] void throw_invalid(std::string message, std::string hint) {
  throw Error(ErrorCode::kInvalid, {std::move(message), "", std::move(hint)});
}

[[noreturn]] void throw_no_file(std::string_view text) {
  throw_invalid(fmt::format("no file name in \"{}\"", text), "Write FILE or NAME=FILE.");
}

bool is_identifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) {
    return false;
  }
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') {
      return false;
    }
  }
  return true;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::int64_t parse_offset(std::string_view text) {
  const std::optional<std::int64_t> offset = parse_integer(text);
  if (!offset || *offset < 0) {
    throw_invalid(fmt::format("invalid offset \"{}\": not a number of bytes", text), kLayoutHint);
  }
  return *offset;
}

// "dtype=int16,shape=200000x3,offset=528"
RawLayout parse_layout(std::string_view text) {
  std::optional<DType> dtype;
  std::optional<Shape> shape;
  std::int64_t offset = 0;
  for (const std::string_view part : split(text, ',')) {
    const auto [key, value] = split_name(part);
    if (key == "dtype") {
      dtype = parse_dtype(value);
    } else if (key == "shape") {
      shape = parse_shape(value);
    } else if (key == "offset") {
      offset = parse_offset(value);
    } else {
      const std::vector<std::string> known = {"dtype", "shape", "offset"};
      const std::string_view given = part.substr(0, part.find('='));
      throw_invalid(unknown_name("key of a raw layout", given, known).message(), kLayoutHint);
    }
  }
  if (!shape) {
    throw_invalid(fmt::format("no shape in raw layout \"{}\"", text), kLayoutHint);
  }
  return {*dtype, *shape, offset};
}

}  // namespace

std::pair<std::string, std::string> split_name(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_identifier(text.substr(0, equals))) {
    return {"", std::string(text)};
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

InputArgument parse_file(std::string_view text) {
  const std::size_t layout = text.rfind(kLayoutBegin);
  if (layout == std::string_view::npos && (text.find(":shape=") != std::string_view::npos ||
                                           text.find(":offset=") != std::string_view::npos)) {
    throw_invalid(fmt::format("raw layout in \"{}\" does not begin with a dtype", text),
                  kLayoutHint);
  }
  const std::string_view file = text.substr(0, layout);
  if (file.empty()) {
    throw_no_file(text);
  }
  if (layout == std::string_view::npos) {
    return {"", file, {}};
  }
  return {"", file, parse_layout(text.substr(layout + 1))};
}

InputArgument parse_input(std::string_view text) {
  auto [name, file] = split_name(text);
  if (file.empty()) {
    throw_no_file(text);
  }
  InputArgument input = parse_file(file);
  input.name = std::move(name);
  return input;
}

DType parse_dtype(std::string_view name) {
  if (const std::optional<DType> dtype = dtype_named(name)) {
    return *dtype;
  }
  std::vector<std::string> known;
  for (auto i = static_cast<std::uint32_t>(DType::kBool);
       i <= static_cast<std::uint32_t>(kLastDType); ++i) {
    known.emplace_back(name_of(static_cast<DType>(i)));
  }
  throw_invalid(unknown_name("dtype", name, known).message(),
                "The names are NumPy's: float64, int32.");
}

Shape parse_shape(std::string_view text) {
  Shape shape;
  for (const std::string_view part : split(text, 'x')) {
    const std::optional<std::int64_t> length = parse_integer(part);
    if (!length || *length < 0) {
      throw_invalid(
          fmt::format("invalid shape \"{}\": not lengths joined by \"x\", like 200000x3", text),
          "");
    }
    shape.push_back(*length);
  }
  if (shape.size() > kMaxRank) {
    throw_invalid(fmt::format("invalid shape \"{}\": more than {} axes", text, kMaxRank), "");
  }
  return shape;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed_end, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || parsed_end != end) {
    return std::nullopt;
  }
  return number;
}

Dataset open_input(const InputArgument& input) {
  if (!input.layout) {
    return Dataset::open(input.path);
  }
  return Dataset::open_raw(input.path, input.layout->dtype, input.layout->shape,
                           input.layout->offset_bytes);
}

}  // namespace gristmill::cli
