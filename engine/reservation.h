#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace gristmill::engine {

// Memory that can be used now without anybody being killed: the smallest of MemAvailable and, for
// the own control group and each ancestor, its limit minus its use, page cache not counted as used.
// None if the system does not tell. root is "/" outside of tests.
std::optional<std::int64_t> available_memory_bytes(const std::filesystem::path& root);

// True if less than a tenth of the machine's memory, or of what the own control group or an
// ancestor may use, is available.
bool is_memory_short(const std::filesystem::path& root);

// Arithmetic before allocation: under a memory limit the answer to an allocation that is too large
// is the OOM killer and not an error.
// what: what is to be reserved, e.g. output "distance".
// Errors: kResources, with both numbers.
void require_memory(std::int64_t size_bytes, const std::string& what);
void require_memory(std::int64_t size_bytes, const std::string& what,
                    std::optional<std::int64_t> available_bytes);

// Beyond the file size limit (ulimit -f), growing a file or a segment is a SIGXFSZ.
// Errors: kResources, with both numbers.
void require_below_file_limit(std::int64_t size_bytes, const std::string& what);

}  // namespace gristmill::engine
