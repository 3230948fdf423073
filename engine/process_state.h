#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

// What the system says of a process and of its control group. All of it is for decisions that may
// come a little late: a process may have changed since.
namespace gristmill::engine {

enum class ProcessState { kRunning, kStopped, kUninterruptible };
// kRunning if the system does not say.
ProcessState state_of_process(pid_t pid);

// "in state D (disk sleep), in nfs_wait_bit_killable", as far as the system says.
std::string state_in_words(pid_t pid);

// Memory of its own that is neither a file's nor shared (RssAnon); 0 if the system does not say.
std::int64_t anonymous_bytes(pid_t pid);

// How many processes of this control group the system killed because memory ran out; none where it
// does not count them. root is "/" outside of tests.
std::optional<std::int64_t> out_of_memory_kills(const std::filesystem::path& root);

}  // namespace gristmill::engine
