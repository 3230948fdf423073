#include "engine/reservation.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>

#include <gristmill/error.h>
#include <gristmill/format.h>

#include "engine/cgroup.h"
#include "engine/text_file.h"

namespace gristmill::engine {
namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> number_in(const fs::path& file) {
  const auto text = read_text_file(file);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || stop != text->data() + text->size()) return std::nullopt;
  return number;
}

// The number behind a key at the beginning of a line, as in /proc/meminfo and memory.stat.
std::int64_t number_behind(const std::string& text, std::string_view wanted) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::int64_t number = 0;
    if (words >> key >> number && key == wanted) return number;
  }
  return 0;
}

// Page cache counts as use of a group, but makes room when room is needed. The files of segments do
// not: they are not among these.
std::int64_t reclaimable_bytes(const fs::path& folder, std::string_view prefix) {
  const std::string text = read_text_file(folder / "memory.stat").value_or("");
  return number_behind(text, fmt::format("{}inactive_file", prefix)) +
         number_behind(text, fmt::format("{}active_file", prefix));
}

std::optional<std::int64_t> available_in(const fs::path& folder) {
  const bool version_2 = fs::exists(folder / "memory.max");
  const auto limit = number_in(folder / (version_2 ? "memory.max" : "memory.limit_in_bytes"));
  const auto use = number_in(folder / (version_2 ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !use) return std::nullopt;
  const std::int64_t held = *use - reclaimable_bytes(folder, version_2 ? "" : "total_");
  return std::max(*limit - std::max(held, std::int64_t{0}), std::int64_t{0});
}

std::optional<std::int64_t> available_on_machine(const fs::path& root) {
  const auto text = read_text_file(root / "proc/meminfo");
  if (!text || text->find("MemAvailable:") == std::string::npos) return std::nullopt;
  return number_behind(*text, "MemAvailable:") * 1024;
}

}  // namespace

std::optional<std::int64_t> available_memory_bytes(const fs::path& root) {
  std::optional<std::int64_t> least = available_on_machine(root);
  for (const auto& folder : cgroup_folders("memory", root)) {
    const auto available = available_in(folder);
    if (available) least = std::min(*available, least.value_or(*available));
  }
  return least;
}

void require_memory(std::int64_t size_bytes, const std::string& what) {
  require_memory(size_bytes, what, "/");
}

void require_memory(std::int64_t size_bytes, const std::string& what, const fs::path& root) {
  const auto available = available_memory_bytes(root);
  if (!available || size_bytes <= *available) return;
  throw Error(
      ErrorCode::kResources,
      {fmt::format("could not reserve {}: not enough memory", what),
       fmt::format("{} were asked for and {} are available.", format_size(size_bytes),
                   format_size(*available)),
       "Write large outputs to files and open large inputs from files: those need not fit into "
       "memory."});
}

void require_below_file_limit(std::int64_t size_bytes, const std::string& what) {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  if (static_cast<rlim_t>(size_bytes) <= limit.rlim_cur) return;
  throw Error(ErrorCode::kResources,
              {fmt::format("could not reserve {}: beyond the file size limit", what),
               fmt::format("{} were asked for and the limit is {}.", format_size(size_bytes),
                           format_size(static_cast<std::int64_t>(limit.rlim_cur))),
               "Raise it with ulimit -f; it counts for shared memory, too."});
}

}  // namespace gristmill::engine
