#include "bench/processes.h"

#include <sys/resource.h>
#include <time.h>

#include <filesystem>
#include <fstream>

namespace gristmill::bench {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double used_by(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "children");
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

double cpu_seconds_of(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double own_cpu_seconds() {
  double all = used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN);
  for (const pid_t child : children()) all += cpu_seconds_of(child);
  return all;
}

double number_in(const std::string& file, const std::string& field) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    double number = 0;
    if (word == field + ":" && lines >> number) return number;
  }
  return 0;
}

}  // namespace gristmill::bench
