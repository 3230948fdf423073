#include "workers/memory_watch.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace gristmill::workers {
namespace {

// Resident pages that are neither a file's nor shared memory. 0 if the system does not say.
std::int64_t own_bytes() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                             std::fclose);
  long long total = 0;
  long long resident = 0;
  long long shared = 0;
  if (!file || std::fscanf(file.get(), "%lld %lld %lld", &total, &resident, &shared) != 3) return 0;
  return (resident - shared) * sysconf(_SC_PAGESIZE);
}

}  // namespace

void MemoryWatch::impose() const {
  if (limit_bytes_ <= 0) return;
  const auto limit = static_cast<rlim_t>(limit_bytes_);
  rlimit limits{};
  getrlimit(RLIMIT_DATA, &limits);
  if (limits.rlim_cur != RLIM_INFINITY && limits.rlim_cur < limit) return;
  limits.rlim_cur = limit;
  setrlimit(RLIMIT_DATA, &limits);
}

bool MemoryWatch::is_nearly_full() {
  if (limit_bytes_ <= 0 || nearly_full_) return nearly_full_;
  const Clock::time_point now = Clock::now();
  if (now < next_look_) return false;
  next_look_ = now + kInterval;
  nearly_full_ = static_cast<double>(own_bytes()) > kNearlyFull * static_cast<double>(limit_bytes_);
  return nearly_full_;
}

}  // namespace gristmill::workers
