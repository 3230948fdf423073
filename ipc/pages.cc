#include "ipc/pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace gristmill::ipc {
namespace {

// Advice wants whole pages.
bool advise(std::byte* begin, std::int64_t size_bytes, int advice) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = address & ~(page - 1);
  const std::size_t length = static_cast<std::size_t>(size_bytes) + (address - first);
  int result = 0;
  do {
    result = madvise(reinterpret_cast<void*>(first), length, advice);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

bool reserve_for_huge_pages(int fd, std::int64_t size_bytes) {
  for (std::int64_t offset = 0; offset + kHugePageBytes <= size_bytes; offset += kHugePageBytes) {
    int result = 0;
    do {
      result = fallocate(fd, 0, offset, 1);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return false;
  }
  return true;
}

Collapsed collapse_to_huge_pages(std::byte* begin, std::int64_t size_bytes) {
  assert(reinterpret_cast<std::uintptr_t>(begin) % kHugePageBytes == 0);
  // Another process at the same page needs a fraction of a millisecond.
  constexpr int kAttempts = 5;
  constexpr std::chrono::microseconds kBetween{50};
  for (int attempt = 1; !advise(begin, size_bytes, MADV_COLLAPSE); ++attempt) {
    if (errno != EAGAIN) return Collapsed::kRefused;
    if (attempt == kAttempts) return Collapsed::kBusy;
    std::this_thread::sleep_for(kBetween);
  }
  return Collapsed::kYes;
}

bool populate(std::byte* begin, std::int64_t size_bytes, Access access) {
  return advise(begin, size_bytes,
                access == Access::kWrite ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

std::int64_t huge_bytes(const std::byte* begin, std::int64_t size_bytes) {
  const auto low = reinterpret_cast<std::uintptr_t>(begin);
  const auto high = low + static_cast<std::uintptr_t>(size_bytes);
  std::ifstream smaps("/proc/self/smaps");
  std::int64_t sum = 0;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long first = 0;
    unsigned long last = 0;
    long kibibytes = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2) {
      inside = first >= low && first < high;
    } else if (inside && std::sscanf(line.c_str(), "ShmemPmdMapped: %ld kB", &kibibytes) == 1) {
      sum += std::int64_t{kibibytes} * 1024;
    }
  }
  return sum;
}

}  // namespace gristmill::ipc
