#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace gristmill::engine {

// What cpu.max of cgroup version 2 grants ("250000 100000": 3), rounded up; none for "max" or
// anything else.
std::optional<int> cpus_of_cpu_max(std::string_view text);

// The same of cpu.cfs_quota_us and cpu.cfs_period_us of version 1. A quota of -1 is none.
std::optional<int> cpus_of_cfs_quota(std::string_view quota, std::string_view period);

// The smallest quota among the own control group and its ancestors. root is "/" outside of tests.
std::optional<int> cpus_of_cgroups(const std::filesystem::path& root);

// CPUs in the affinity mask of this process.
int cpus_of_affinity();

}  // namespace gristmill::engine
