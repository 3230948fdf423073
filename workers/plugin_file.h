#pragma once

#include <cstdint>
#include <string>

#include <gristmill/error.h>
#include <gristmill/kernel.h>

namespace gristmill::workers {

// A loaded plug-in. It is never unloaded: its destructors and threads must not run in the middle of
// a worker's life.
struct LoadedPlugin {
  const gm_plugin* plugin;
  std::uint64_t identity;  // a hash of the file
};

// Loads the file and asks it for its kernels. Errors: kInvalid, saying what is wrong with it: no
// ELF file, no shared object, cut off, another architecture, a library or symbol that is missing,
// no plug-in, another ABI (both versions are named), or changed while it was loaded.
LoadedPlugin load_plugin(const std::string& path);

// How a file is refused: cannot load plug-in "x.so": reason.
Error refused_plugin(const std::string& path, const std::string& reason, std::string hint = {});

}  // namespace gristmill::workers
