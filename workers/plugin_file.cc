#include "workers/plugin_file.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "ipc/system_error.h"
#include "ipc/unique_fd.h"

namespace gristmill::workers {
namespace {

constexpr const char* kBuildAgain = "Build it again with the headers of this version of gristmill.";

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr Elf64_Half kMachine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr Elf64_Half kMachine = EM_PPC64;
#elif defined(__s390x__)
constexpr Elf64_Half kMachine = EM_S390;
#else
#error "the machine's number in elf.h is missing here"
#endif

std::string machine_name(Elf64_Half machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "64-bit ARM";
    case EM_ARM:
      return "32-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC 64";
    case EM_S390:
      return "s390x";
    default:
      return "machine number " + std::to_string(machine);
  }
}

ipc::UniqueFd open_file(const std::string& path) {
  ipc::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw refused_plugin(path, ipc::reason_of(errno));
  return fd;
}

struct stat status_of(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw refused_plugin(path, ipc::reason_of(errno));
  if (S_ISDIR(status.st_mode)) throw refused_plugin(path, ipc::reason_of(EISDIR));
  return status;
}

void require_shared_object(int fd, const std::string& path) {
  Elf64_Ehdr header{};
  const ssize_t size = pread(fd, &header, sizeof header, 0);
  if (size < SELFMAG || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    throw refused_plugin(path, "it is no ELF file",
                         "A plug-in is a shared object: compile it with -shared -fPIC.");
  }
  if (size < ssize_t{sizeof header}) throw refused_plugin(path, "its ELF header is cut off");
  if (header.e_machine != kMachine || header.e_ident[EI_CLASS] != ELFCLASS64) {
    throw refused_plugin(path,
                         "it is built for " + machine_name(header.e_machine) + " and this is " +
                             machine_name(kMachine),
                         "Build it on this machine, or for its architecture.");
  }
  if (header.e_type != ET_DYN) {
    throw refused_plugin(path, "it is an ELF file, but no shared object",
                         "Compile it with -shared -fPIC.");
  }
}

// Not against forgery, only to tell one build from another.
std::uint64_t hash_of(int fd, const std::string& path) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
  std::vector<std::uint64_t> buffer(std::size_t{16} << 10);
  std::uint64_t hash = 0;
  off_t offset = 0;
  for (;;) {
    const ssize_t size = pread(fd, buffer.data(), buffer.size() * sizeof buffer[0], offset);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw refused_plugin(path, ipc::reason_of(errno));
    if (size == 0) return hash == 0 ? 1 : hash;
    offset += size;
    const auto bytes = static_cast<std::size_t>(size);
    const std::size_t tail = bytes % sizeof buffer[0];
    if (tail != 0) {
      std::memset(reinterpret_cast<char*>(buffer.data()) + bytes, 0, sizeof buffer[0] - tail);
    }
    for (std::size_t i = 0; i < (bytes + sizeof buffer[0] - 1) / sizeof buffer[0]; ++i) {
      hash = (hash ^ buffer[i]) * kFactor;
      hash ^= hash >> 32;
    }
    hash += bytes;
  }
}

// What dlerror says, in words that help: it names the file, the library or the symbol.
Error refused_by_loader(const std::string& path, std::string_view text) {
  constexpr std::string_view kNoFile = ": cannot open shared object file";
  constexpr std::string_view kNoSymbol = "undefined symbol: ";
  if (const std::size_t end = text.find(kNoFile); end != std::string_view::npos) {
    const std::string library(text.substr(0, end));
    if (library != path) {
      return refused_plugin(path, "it needs the library \"" + library + "\", which was not found",
                            "Install it, or link it statically; \"ldd\" shows all it needs.");
    }
  }
  if (const std::size_t begin = text.find(kNoSymbol); begin != std::string_view::npos) {
    std::string_view symbol = text.substr(begin + kNoSymbol.size());
    symbol = symbol.substr(0, symbol.find_first_of(" ,\t("));
    return refused_plugin(path, "it uses \"" + std::string(symbol) + "\", which nothing defines",
                          "Link the library that has it into the plug-in.");
  }
  return refused_plugin(path, std::string(text));
}

// The loader answers a path that it knows with what it loaded then, whatever the file is now. With
// EngineOptions::in_process a process may see a plug-in that was built again.
void require_first_build(const std::string& path, std::uint64_t identity) {
  static std::mutex mutex;
  static std::map<std::string, std::uint64_t> loaded;
  const std::lock_guard lock(mutex);
  if (loaded.emplace(path, identity).first->second == identity) return;
  throw refused_plugin(path, "it was changed after this process had loaded it",
                       "Run it again, in a program that is started after the change.");
}

void require_abi(const std::string& path, const gm_plugin* plugin) {
  if (plugin == nullptr || plugin->magic != GM_PLUGIN_MAGIC) {
    throw refused_plugin(path, "it does not identify itself as a plug-in of gristmill");
  }
  const std::string versions = "it is built for plug-in ABI " + std::to_string(plugin->abi_major) +
                               "." + std::to_string(plugin->abi_minor) + " and this is " +
                               std::to_string(GM_ABI_MAJOR) + "." + std::to_string(GM_ABI_MINOR);
  if (plugin->abi_major != GM_ABI_MAJOR) throw refused_plugin(path, versions, kBuildAgain);
  if (plugin->abi_minor > GM_ABI_MINOR) {
    throw refused_plugin(path, versions,
                         "Use a newer gristmill, or build it again with the headers of this one.");
  }
  if (plugin->struct_size < sizeof(gm_plugin)) {
    throw refused_plugin(path, "its gm_plugin is smaller than ABI 1.0 has it", kBuildAgain);
  }
  if (plugin->kernel_count == 0 || plugin->kernels == nullptr) {
    throw refused_plugin(path, "it has no kernels");
  }
}

}  // namespace

Error refused_plugin(const std::string& path, const std::string& reason, std::string hint) {
  return Error(ErrorCode::kInvalid,
               {"cannot load plug-in \"" + path + "\": " + reason, {}, std::move(hint)});
}

LoadedPlugin load_plugin(const std::string& path) {
  const ipc::UniqueFd fd = open_file(path);
  const struct stat before = status_of(fd.get(), path);
  require_shared_object(fd.get(), path);
  const std::uint64_t identity = hash_of(fd.get(), path);
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) throw refused_by_loader(path, dlerror());
  const struct stat after = status_of(open_file(path).get(), path);
  if (after.st_ino != before.st_ino || after.st_dev != before.st_dev ||
      after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
      after.st_mtim.tv_nsec != before.st_mtim.tv_nsec) {
    throw refused_plugin(path, "it was changed while it was loaded", "Try it again.");
  }
  require_first_build(path, identity);
  auto* query = reinterpret_cast<gm_plugin_query_function>(dlsym(object, GM_QUERY_SYMBOL));
  if (query == nullptr) {
    throw refused_plugin(
        path, "it does not export " GM_QUERY_SYMBOL,
        "A plug-in registers its kernels with GRISTMILL_KERNELS (gristmill/kernel.hpp).");
  }
  const gm_plugin* plugin = query();
  require_abi(path, plugin);
  return {plugin, identity};
}

}  // namespace gristmill::workers
