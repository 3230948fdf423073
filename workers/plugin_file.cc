#include "workers/plugin_file.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include <gristmill/format.h>

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
  // A FIFO would wait for its writer.
  ipc::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) throw refused_plugin(path, ipc::reason_of(errno));
  return fd;
}

struct stat status_of(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw refused_plugin(path, ipc::reason_of(errno));
  if (S_ISDIR(status.st_mode)) throw refused_plugin(path, ipc::reason_of(EISDIR));
  if (!S_ISREG(status.st_mode)) throw refused_plugin(path, "it is no regular file");
  return status;
}

// The bytes that are there, fewer at the end of the file.
std::size_t read_at(int fd, std::uint64_t offset, void* bytes, std::size_t size,
                    const std::string& path) {
  for (;;) {
    const ssize_t read = pread(fd, bytes, size, static_cast<off_t>(offset));
    if (read >= 0) return static_cast<std::size_t>(read);
    if (errno != EINTR) throw refused_plugin(path, ipc::reason_of(errno));
  }
}

// A part of an ELF file; size_bytes saturates.
struct ElfPart {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;

  std::uint64_t end() const {
    return size_bytes > UINT64_MAX - offset ? UINT64_MAX : offset + size_bytes;
  }
};

void require_whole(const ElfPart& part, std::int64_t file_bytes, const std::string& path) {
  if (part.end() <= static_cast<std::uint64_t>(file_bytes)) return;
  const auto end = static_cast<std::int64_t>(std::min<std::uint64_t>(part.end(), INT64_MAX));
  throw refused_plugin(
      path, "it is cut off: " + format_count(file_bytes) + " of " + format_count(end) + " bytes",
      "Copy or build it again.");
}

template <class Entry>
std::vector<Entry> table_at(int fd, const ElfPart& part, const std::string& path) {
  std::vector<Entry> entries(part.size_bytes / sizeof(Entry));
  entries.resize(read_at(fd, part.offset, entries.data(), entries.size() * sizeof(Entry), path) /
                 sizeof(Entry));
  return entries;
}

// The section table lies at the end of most files: the loader does not miss it, but a copy that was
// cut off has lost it.
std::vector<Elf64_Phdr> segments_of(int fd, const Elf64_Ehdr& header, const std::string& path) {
  const std::int64_t file_bytes = status_of(fd, path).st_size;
  require_whole({header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize}, file_bytes,
                path);
  const ElfPart table{header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr)};
  require_whole(table, file_bytes, path);
  std::vector<Elf64_Phdr> segments = table_at<Elf64_Phdr>(fd, table, path);
  // The loader maps them unseen: what lies behind the end is a SIGBUS.
  for (const Elf64_Phdr& segment : segments) {
    require_whole({segment.p_offset, segment.p_filesz}, file_bytes, path);
  }
  return segments;
}

// Executables that lie anywhere in memory have the type of shared objects.
bool is_executable(int fd, const std::vector<Elf64_Phdr>& segments, const std::string& path) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_DYNAMIC) continue;
    for (const Elf64_Dyn& entry :
         table_at<Elf64_Dyn>(fd, {segment.p_offset, segment.p_filesz}, path)) {
      if (entry.d_tag == DT_FLAGS_1) return (entry.d_un.d_val & DF_1_PIE) != 0;
    }
  }
  return false;
}

void require_shared_object(int fd, const std::string& path) {
  Elf64_Ehdr header{};
  const std::size_t size = read_at(fd, 0, &header, sizeof header, path);
  if (size < SELFMAG || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    throw refused_plugin(path, "it is no ELF file",
                         "A plug-in is a shared object: compile it with -shared -fPIC.");
  }
  if (size < sizeof header) throw refused_plugin(path, "its ELF header is cut off");
  if (header.e_machine != kMachine || header.e_ident[EI_CLASS] != ELFCLASS64) {
    throw refused_plugin(path,
                         "it is built for " + machine_name(header.e_machine) + " and this is " +
                             machine_name(kMachine),
                         "Build it on this machine, or for its architecture.");
  }
  if (header.e_type != ET_DYN || is_executable(fd, segments_of(fd, header, path), path)) {
    throw refused_plugin(path, "it is an ELF file, but no shared object",
                         "Compile it with -shared -fPIC.");
  }
}

// Not against forgery, only to tell one build from another.
std::uint64_t hash_of(int fd, const std::string& path) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
  std::vector<std::uint64_t> buffer(std::size_t{16} << 10);
  std::uint64_t hash = 0;
  std::uint64_t offset = 0;
  for (;;) {
    const std::size_t bytes =
        read_at(fd, offset, buffer.data(), buffer.size() * sizeof buffer[0], path);
    if (bytes == 0) return hash == 0 ? 1 : hash;
    offset += bytes;
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
  const std::string file = path + ": ";
  if (text.starts_with(file)) text.remove_prefix(file.size());
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
  if (plugin->struct_size < offsetof(gm_plugin, kernels) + sizeof(gm_plugin::kernels)) {
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
