#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace gristmill::bench {

// The live children of this process: planner and workers of its engines.
std::vector<pid_t> children();

// CPU time that a process has used, in seconds; 0 if it is gone.
double cpu_seconds_of(pid_t pid);

// The same of this process and its children, those that have ended included.
double own_cpu_seconds();

// The number behind `field` in a file of lines like "VmRSS:   123 kB"; 0 if it is not there.
double number_in(const std::string& file, const std::string& field);

}  // namespace gristmill::bench
