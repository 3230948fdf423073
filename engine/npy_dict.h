#pragma once

#include <string>
#include <string_view>

#include <gristmill/array.h>

namespace gristmill::engine {

// What the dictionary in a .npy header says.
struct NpyDict {
  std::string descr;
  bool fortran_order = false;
  Shape shape;
};

// Parses the Python literal {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }: exactly
// these keys, in any order. Nothing is evaluated.
// Errors: kInvalid, the message being the reason alone; a structured dtype is one.
NpyDict parse_npy_dict(std::string_view text);

}  // namespace gristmill::engine
