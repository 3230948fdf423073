// Faults of kernels that misbehaving_kernels.cc does not have.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <gristmill/kernel.hpp>
#include <string>

#include "tests/plugins/gate.h"
#include "tests/plugins/item_hash.h"

namespace gristmill::test {
namespace {

std::atomic<bool> never = false;
// Keeps the compiler from leaving out memory that nobody reads.
std::atomic<void*> last_leak = nullptr;

void spin_for_ever() {
  while (!never) {
  }
}

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  spin_for_ever();
}

// Nobody ever writes to it.
void read_fifo(const std::string& folder) {
  const std::string path = folder + "/fifo";
  mkfifo(path.c_str(), 0600);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  close(fd);
}

void fork_grandchild(const std::string& folder) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    announce(folder, getpid());
    for (;;) pause();
  }
}

void leak() {
  constexpr std::size_t kBytes = std::size_t{6} << 20;
  void* memory = std::malloc(kBytes);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 1, kBytes);
  last_leak = memory;
  // Memory is looked at every 20 ms.
  usleep(5000);
}

// Has it for so long that two workers have theirs at the same time.
void take_memory(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::memset(memory, 1, size);
  usleep(200'000);
  munmap(memory, size);
}

// Tries to change the size of all memory that it has a descriptor of.
void resize_shared_memory() {
  for (int fd = 0; fd < 256; ++fd) {
    char target[256] = {};
    const std::string name = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(name.c_str(), target, sizeof target - 1) <= 0) continue;
    if (std::strstr(target, "memfd:") == nullptr) continue;
    if (ftruncate(fd, 0) == 0 || ftruncate(fd, std::int64_t{1} << 40) == 0) {
      throw kernel::Failed("the size of shared memory could be changed");
    }
  }
}

// Hashes its items, and does what is asked in the chunk of one.
class Fault {
 public:
  static constexpr const char* kName = "fault";
  static constexpr const char* kSummary = "goes wrong at one item, in rare ways";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1"),
      kernel::param<std::int64_t>("at", "the item where it goes wrong; -1: every chunk", "0"),
      kernel::param<std::string_view>("how", "what it does there", "nothing"),
      kernel::param<std::int64_t>("bytes", "how much memory it takes there", "0"),
      kernel::param<std::string_view>("folder", "for what it makes, or empty", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("hash", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("hash");
  }
  explicit Fault(const kernel::Request& request)
      : at_(request.param<std::int64_t>("at")),
        how_(request.param<std::string_view>("how")),
        bytes_(request.param<std::int64_t>("bytes")),
        folder_(request.param<std::string_view>("folder")) {}

  void run(const kernel::Chunk& chunk) const {
    if (at_ < 0 || (chunk.begin() <= at_ && at_ < chunk.end())) go_wrong(chunk);
    std::int64_t item = chunk.begin();
    for (std::int64_t& hash : chunk.output<std::int64_t>("hash")) hash = item_hash(item++, {}, 1);
  }

 private:
  void go_wrong(const kernel::Chunk& chunk) const {
    if (how_ == "wait") {
      announce(folder_, at_);
      wait_at_gate(chunk, folder_);
    }
    if (how_ == "sigill") raise(SIGILL);
    if (how_ == "pthread_exit") pthread_exit(nullptr);
    if (how_ == "spin") spin_for_ever();
    if (how_ == "block_signals") block_signals();
    if (how_ == "sigstop") raise(SIGSTOP);
    if (how_ == "read_fifo") read_fifo(folder_);
    if (how_ == "fork_grandchild") fork_grandchild(folder_);
    if (how_ == "leak") leak();
    if (how_ == "take_memory") take_memory(bytes_);
    if (how_ == "resize") resize_shared_memory();
    if (how_ == "slow") usleep(50'000);
  }

  std::int64_t at_;
  std::string how_;
  std::int64_t bytes_;
  std::string folder_;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::Fault)
