#include "ipc/test_point.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace gristmill::ipc {
namespace {

// What a variable like "after-claim:3:/tmp/first" asks for.
struct Wish {
  std::string name;
  int hit = 1;
  std::string file;
};

Wish wish_in(const char* variable) {
  const char* value = std::getenv(variable);
  const std::string text = value == nullptr ? "" : value;
  const std::size_t hit = text.find(':');
  Wish wish{text.substr(0, hit), 1, {}};
  if (hit == std::string::npos) return wish;
  wish.hit = std::atoi(text.c_str() + hit + 1);
  const std::size_t file = text.find(':', hit + 1);
  if (file != std::string::npos) wish.file = text.substr(file + 1);
  return wish;
}

bool is_the_one(const std::string& file) {
  if (file.empty()) return true;
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const std::string pid = std::to_string(getpid()) + "\n";
  static_cast<void>(!write(fd, pid.data(), pid.size()));
  close(fd);
  return true;
}

struct Counter {
  Wish wish;
  int signal;
  std::atomic<int> hits = 0;
};

}  // namespace

void pass_test_point(const char* name) {
  static Counter counters[] = {{wish_in("GRISTMILL_STOP"), SIGSTOP},
                               {wish_in("GRISTMILL_KILL"), SIGKILL}};
  for (Counter& counter : counters) {
    if (counter.wish.name != name) continue;
    // relaxed: a count.
    if (counter.hits.fetch_add(1, std::memory_order_relaxed) + 1 != counter.wish.hit) continue;
    if (is_the_one(counter.wish.file)) raise(counter.signal);
  }
}

}  // namespace gristmill::ipc
