#include "engine/reservation.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>
#include <vector>

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

// A bound on memory, and what of it can be used now.
struct Bound {
  std::int64_t total_bytes;
  std::int64_t available_bytes;
};

std::optional<Bound> bound_of_group(const fs::path& folder) {
  const bool version_2 = read_text_file(folder / "memory.max").has_value();
  const auto limit = number_in(folder / (version_2 ? "memory.max" : "memory.limit_in_bytes"));
  const auto use = number_in(folder / (version_2 ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !use) return std::nullopt;
  const std::int64_t held = *use - reclaimable_bytes(folder, version_2 ? "" : "total_");
  return Bound{*limit, std::max(*limit - std::max(held, std::int64_t{0}), std::int64_t{0})};
}

std::optional<Bound> bound_of_machine(const fs::path& root) {
  const auto text = read_text_file(root / "proc/meminfo");
  if (!text || text->find("MemAvailable:") == std::string::npos) return std::nullopt;
  return Bound{number_behind(*text, "MemTotal:") * 1024,
               number_behind(*text, "MemAvailable:") * 1024};
}

// Of the machine, of the own control group and of each ancestor.
std::vector<Bound> bounds(const fs::path& root) {
  std::vector<Bound> found;
  if (const auto machine = bound_of_machine(root)) found.push_back(*machine);
  for (const auto& folder : cgroup_folders("memory", root)) {
    if (const auto group = bound_of_group(folder)) found.push_back(*group);
  }
  return found;
}

}  // namespace

std::optional<std::int64_t> available_memory_bytes(const fs::path& root) {
  std::optional<std::int64_t> least;
  for (const Bound& bound : bounds(root)) {
    least = std::min(bound.available_bytes, least.value_or(bound.available_bytes));
  }
  return least;
}

bool is_memory_short(const fs::path& root) {
  const std::vector<Bound> all = bounds(root);
  return std::any_of(all.begin(), all.end(), [](const Bound& bound) {
    return bound.available_bytes < bound.total_bytes / 10;
  });
}

void require_memory(std::int64_t size_bytes, const std::string& what) {
  require_memory(size_bytes, what, available_memory_bytes("/"));
}

void require_memory(std::int64_t size_bytes, const std::string& what,
                    std::optional<std::int64_t> available_bytes) {
  if (!available_bytes || size_bytes <= *available_bytes) return;
  throw Error(
      ErrorCode::kResources,
      {fmt::format("could not reserve {}: not enough memory", what),
       fmt::format("{} were asked for and {} are available.", format_size(size_bytes),
                   format_size(*available_bytes)),
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
