#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gristmill/array.h>
#include <gristmill/dataset.h>

namespace gristmill::cli {

// How the elements of a raw file lie.
struct RawLayout {
  DType dtype;
  Shape shape;
  std::int64_t offset_bytes = 0;
};

// An input as it was asked for.
struct InputArgument {
  std::string name;  // empty: not named
  std::filesystem::path path;
  std::optional<RawLayout> layout;  // none: a .npy file
};

// Splits "NAME=REST" where an identifier stands before the first "="; else the name is empty.
std::pair<std::string, std::string> split_name(std::string_view text);

// "FILE[:dtype=D,shape=NxM,offset=B]", without a name. Errors: kInvalid.
InputArgument parse_file(std::string_view text);
// The same with "NAME=" before it, or not. Errors: kInvalid.
InputArgument parse_input(std::string_view text);

// A dtype by its NumPy name. Errors: kInvalid, the nearest known name is offered.
DType parse_dtype(std::string_view name);
// "200000x3". Errors: kInvalid.
Shape parse_shape(std::string_view text);
// A whole number, all of the text; none if it is not one or does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);

// The file as a dataset: mapped, not read. Errors: those of Dataset::open() and open_raw().
Dataset open_input(const InputArgument& input);

}  // namespace gristmill::cli
