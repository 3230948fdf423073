#include "kernels/loop_library.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <vector>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {
namespace {

// A file that was not written to has the same.
using Stamp = std::array<std::int64_t, 5>;

struct Build {
  Stamp stamp;
  std::uint64_t content_hash;
};

kernel::Invalid refused(const std::string& library, const std::string& reason, std::string hint) {
  return kernel::Invalid("cannot load library \"" + library + "\": " + reason, std::move(hint));
}

Stamp stamp_of(const std::string& library) {
  struct stat status {};
  if (stat(library.c_str(), &status) != 0) {
    throw refused(library, std::generic_category().message(errno),
                  "Check the path; workers see the same files as the program that runs them.");
  }
  if (!S_ISREG(status.st_mode)) throw refused(library, "it is no regular file", {});
  return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

// Not against forgery, only to tell one build from another.
std::uint64_t content_hash_of(const std::string& library) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
  std::ifstream file(library, std::ios::binary);
  std::vector<std::uint64_t> buffer(std::size_t{8} << 10);
  std::uint64_t hash = 0;
  while (file) {
    std::fill(buffer.begin(), buffer.end(), 0);
    file.read(reinterpret_cast<char*>(buffer.data()),
              static_cast<std::streamsize>(buffer.size() * sizeof buffer[0]));
    for (const std::uint64_t word : buffer) {
      hash = (hash ^ word) * kFactor;
      hash ^= hash >> 32;
    }
    hash += static_cast<std::uint64_t>(file.gcount());
  }
  return hash;
}

// The loader answers a path that it knows with what it loaded then, whatever the file is now.
void require_first_build(const std::string& library, const Stamp& stamp) {
  static std::mutex mutex;
  static std::map<std::string, Build> loaded;
  const std::lock_guard lock(mutex);
  const auto known = loaded.find(library);
  if (known == loaded.end()) {
    loaded.emplace(library, Build{stamp, content_hash_of(library)});
    return;
  }
  if (known->second.stamp == stamp) return;
  if (known->second.content_hash != content_hash_of(library)) {
    throw refused(library, "it was changed after this worker had loaded it",
                  "Use a new engine after a change, or give each build a name of its own.");
  }
  known->second.stamp = stamp;
}

std::string loader_says(const std::string& library) {
  const char* text = dlerror();
  std::string_view said = text == nullptr ? "the loader gives no reason" : text;
  const std::string file = library + ": ";
  if (said.starts_with(file)) said.remove_prefix(file.size());
  return std::string(said);
}

}  // namespace

gm_loop_function loop_function(const std::string& library, const std::string& symbol) {
  if (!library.starts_with('/')) {
    throw refused(library, "the path is not absolute", "Workers may have another folder: say /...");
  }
  if (symbol.empty()) throw kernel::Invalid("parameter \"symbol\" is empty");
  const Stamp stamp = stamp_of(library);
  void* object = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    throw refused(library, loader_says(library),
                  "It must be a shared object for this machine (-shared -fPIC) that is linked with "
                  "all it needs; \"ldd\" shows what that is.");
  }
  require_first_build(library, stamp);
  void* function = dlsym(object, symbol.c_str());
  if (function == nullptr) {
    throw kernel::Invalid(
        "library \"" + library + "\" does not export \"" + symbol + "\"",
        "\"nm -D\" lists what it exports; a C++ function is to be extern \"C\", and not static.");
  }
  return reinterpret_cast<gm_loop_function>(function);
}

}  // namespace gristmill::kernels
