// What fmt's shared library would give: inline functions whose address is taken have a definition
// for all who link this. One that is used and not listed is undefined when a program is linked.
#define FMT_HEADER_ONLY
#include <fmt/format.h>
#include <cstdint>
#include <cstdio>

namespace {

using fmt::detail::locale_ref;
using Separator = fmt::detail::thousands_sep_result<char>;

[[gnu::used]] std::string (*const kFormat)(fmt::string_view, fmt::format_args) = &fmt::vformat;
[[gnu::used]] void (*const kPrint)(std::FILE*, fmt::string_view, fmt::format_args) = &fmt::vprint;
[[gnu::used]] void (*const kPrintOut)(fmt::string_view, fmt::format_args) = &fmt::vprint;
[[gnu::used]] void (*const kThrow)(const char*) = &fmt::detail::throw_format_error;
[[gnu::used]] bool (*const kPrintable)(std::uint32_t) = &fmt::detail::is_printable;
[[gnu::used]] Separator (*const kSeparator)(locale_ref) = &fmt::detail::thousands_sep_impl<char>;

}  // namespace
