#pragma once

#include <string>

#include <gristmill/kernel.h>

namespace gristmill::kernels {

// A loop function that a shared object exports. The library is loaded once in a process and never
// unloaded. Errors: kernel::Invalid, naming library and symbol, for a path that is not absolute,
// for what cannot be loaded or does not have the symbol, and for a file that was changed since this
// process loaded it.
gm_loop_function loop_function(const std::string& library, const std::string& symbol);

}  // namespace gristmill::kernels
