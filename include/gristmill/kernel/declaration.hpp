// What a kernel says of its inputs, parameters and outputs. Part of kernel.hpp. All texts must be
// static.
#pragma once

#include <gristmill/kernel/element.hpp>

namespace gristmill::kernel {

template <class... T>
consteval gm_dtype_set dtypes_of() {
  return ((gm_dtype_set{1} << dtype_of<T>()) | ... | gm_dtype_set{0});
}

inline constexpr gm_dtype_set kAnyDtype = 0;
inline constexpr gm_dtype_set kIntegers =
    dtypes_of<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
              std::uint32_t, std::uint64_t>();
inline constexpr gm_dtype_set kFloats = dtypes_of<float, double>();
// What dispatch() takes.
inline constexpr gm_dtype_set kNumbers = kIntegers | kFloats;

// Numbers of axes that an input may have; most 0: any from least on.
struct Ranks {
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};
constexpr Ranks rank(std::uint32_t axes) { return {axes, axes}; }
constexpr Ranks ranks(std::uint32_t least, std::uint32_t most) { return {least, most}; }

// An input of these dtypes and ranks; the host refuses others, and jobs without the input.
constexpr gm_input_decl input(const char* name, const char* help, gm_dtype_set dtypes = kAnyDtype,
                              Ranks ranks = {}) {
  return {name, help, 0, dtypes, ranks.least, ranks.most};
}
// Of that element type, or one of these.
template <class... T>
requires(sizeof...(T) > 0) constexpr gm_input_decl
    input(const char* name, const char* help, Ranks ranks = {}) {
  return input(name, help, dtypes_of<T...>(), ranks);
}
constexpr gm_input_decl optional(gm_input_decl input) {
  input.flags |= GM_OPTIONAL;
  return input;
}
constexpr gm_input_decl optional_input(const char* name, const char* help,
                                       gm_dtype_set dtypes = kAnyDtype, Ranks ranks = {}) {
  return optional(input(name, help, dtypes, ranks));
}

// T: see param_type_of. The default is written as users write it: "3", "true", "1,2.5".
template <class T>
constexpr gm_param_decl param(const char* name, const char* help, const char* default_value) {
  return {name, help, default_value, param_type_of<T>(), 0};
}
template <class T>
constexpr gm_param_decl required_param(const char* name, const char* help) {
  return {name, help, nullptr, param_type_of<T>(), 0};
}

constexpr gm_output_decl output(const char* name, const char* help) { return {name, help}; }

}  // namespace gristmill::kernel
