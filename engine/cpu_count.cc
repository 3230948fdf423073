#include "engine/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>

#include <gristmill/engine.h>

#include "engine/cgroup.h"
#include "engine/text_file.h"

namespace gristmill {
namespace engine {
namespace {

std::optional<std::int64_t> positive_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || number <= 0) return std::nullopt;
  return number;
}

std::optional<int> cpus_of_folder(const std::filesystem::path& folder) {
  if (const auto text = read_text_file(folder / "cpu.max")) return cpus_of_cpu_max(*text);
  const auto quota = read_text_file(folder / "cpu.cfs_quota_us");
  const auto period = read_text_file(folder / "cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  return cpus_of_cfs_quota(*quota, *period);
}

}  // namespace

std::optional<int> cpus_of_cfs_quota(std::string_view quota, std::string_view period) {
  const auto granted = positive_number(quota);
  const auto out_of = positive_number(period);
  if (!granted || !out_of) return std::nullopt;
  const std::int64_t cpus = *granted / *out_of + (*granted % *out_of != 0);
  return static_cast<int>(std::min<std::int64_t>(cpus, kMaxWorkers));
}

std::optional<int> cpus_of_cpu_max(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return cpus_of_cfs_quota(text.substr(0, space), text.substr(space + 1));
}

std::optional<int> cpus_of_cgroups(const std::filesystem::path& root) {
  std::optional<int> fewest;
  for (const auto& folder : cgroup_folders("cpu", root)) {
    const auto cpus = cpus_of_folder(folder);
    if (cpus) fewest = std::min(*cpus, fewest.value_or(*cpus));
  }
  return fewest;
}

int cpus_of_affinity() {
  // The mask that the system keeps may be longer than a cpu_set_t: it says EINVAL then.
  for (int bits = CPU_SETSIZE; bits <= 1024 * CPU_SETSIZE; bits *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(bits), [](cpu_set_t* set) { CPU_FREE(set); });
    const std::size_t size = CPU_ALLOC_SIZE(bits);
    if (mask && sched_getaffinity(0, size, mask.get()) == 0) return CPU_COUNT_S(size, mask.get());
    if (errno != EINVAL) break;
  }
  return 1;
}

}  // namespace engine

int usable_cpus() {
  const int allowed = engine::cpus_of_affinity();
  const int granted = engine::cpus_of_cgroups("/").value_or(allowed);
  return std::clamp(std::min(allowed, granted), 1, kMaxWorkers);
}

}  // namespace gristmill
