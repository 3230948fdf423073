#include "bench/noise.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "bench/processes.h"

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

CpuReading CpuReading::now() {
  CpuReading reading;
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double wait = 0;
  double interrupts = 0;
  double soft_interrupts = 0;
  double steal = 0;
  file >> cpu >> user >> nice >> system >> idle >> wait >> interrupts >> soft_interrupts >> steal;
  const auto tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  reading.busy_ = tick * (user + nice + system + interrupts + soft_interrupts);
  reading.steal_ = tick * steal;
  reading.all_ = reading.busy_ + reading.steal_ + tick * (idle + wait);
  reading.own_ = used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN);
  for (const pid_t child : children()) reading.own_ += cpu_seconds_of(child);
  return reading;
}

Noise CpuReading::since(const CpuReading& earlier) const {
  const double all = std::max(all_ - earlier.all_, 1e-9);
  const double foreign = (busy_ - earlier.busy_) - (own_ - earlier.own_);
  return {std::clamp(foreign / all, 0.0, 1.0), (steal_ - earlier.steal_) / all};
}

}  // namespace gristmill::bench
