#include "bench/noise.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "bench/processes.h"

namespace gristmill::bench {

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
  reading.own_ = own_cpu_seconds();
  return reading;
}

Noise CpuReading::since(const CpuReading& earlier) const {
  const double all = std::max(all_ - earlier.all_, 1e-9);
  const double foreign = (busy_ - earlier.busy_) - (own_ - earlier.own_);
  return {std::clamp(foreign / all, 0.0, 1.0), (steal_ - earlier.steal_) / all};
}

}  // namespace gristmill::bench
