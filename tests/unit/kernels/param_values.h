#pragma once

#include <cstdint>
#include <span>

#include <gristmill/kernel.h>

namespace gristmill::test {

inline gm_param_value int_param(std::int64_t integer) {
  gm_param_value value{};
  value.type = GM_PARAM_INT;
  value.integer = integer;
  return value;
}

inline gm_param_value float_param(double real) {
  gm_param_value value{};
  value.type = GM_PARAM_FLOAT;
  value.real = real;
  return value;
}

// A view.
inline gm_param_value list_param(std::span<const double> list) {
  gm_param_value value{};
  value.type = GM_PARAM_LIST;
  value.list = list.data();
  value.list_length = static_cast<std::uint32_t>(list.size());
  return value;
}

}  // namespace gristmill::test
