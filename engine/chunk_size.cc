#include <fmt/core.h>

#include <charconv>

#include <gristmill/job.h>

#include "engine/printable.h"

namespace gristmill {
namespace {

constexpr char kForms[] =
    "A chunk size is auto, a number of items (500), or a size (64KiB, 1MiB, 2GiB).";

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(
      ErrorCode::kInvalid,
      {fmt::format("invalid chunk size \"{}\": {}", engine::printable(text), why), {}, kForms});
}

// Bytes per unit; 0 if there is no such unit.
std::int64_t unit_bytes(std::string_view unit) {
  if (unit == "KiB") return std::int64_t{1} << 10;
  if (unit == "MiB") return std::int64_t{1} << 20;
  if (unit == "GiB") return std::int64_t{1} << 30;
  return 0;
}

}  // namespace

ChunkSize ChunkSize::parse(std::string_view text) {
  if (text == "auto") return {};
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::invalid_argument) refuse(text, "it is not a number");
  if (error == std::errc::result_out_of_range) refuse(text, "it is too large");
  if (number <= 0) refuse(text, "it must be at least 1");

  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  if (unit.empty()) return items(number);
  const std::int64_t factor = unit_bytes(unit);
  if (factor == 0) refuse(text, fmt::format("\"{}\" is no unit", engine::printable(unit)));
  if (__builtin_mul_overflow(number, factor, &number)) refuse(text, "it is too large");
  return bytes(number);
}

}  // namespace gristmill
