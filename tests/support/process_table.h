#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

// What /proc tells of processes.
namespace gristmill::test {

// Processes whose parent this is, zombies too, oldest first.
std::vector<pid_t> child_processes(pid_t parent = getpid());

// Sends a signal to a child process. False: it is none any more.
bool signal_child(pid_t child, int signal);

// 'R' running, 'S' sleeping, 'T' stopped, 'Z' zombie; 0: there is no such process.
char process_state(pid_t pid);

// The entries of a folder, without . and .., in any order; empty if it cannot be read.
std::vector<std::string> entries_of(const std::string& folder);

// The file's text; empty if it cannot be read.
std::string text_of(const std::string& path);

}  // namespace gristmill::test
