// Kernels of storms: one of each pattern, whose results depend on their items alone, and two that
// do what no kernel should.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gristmill/kernel.hpp>

#include "tests/plugins/counting.h"
#include "tests/plugins/item_hash.h"
#include "tests/plugins/moment.h"
#include "tests/plugins/ordered_digest.h"

namespace gristmill::test {
namespace {

constexpr std::size_t kRemainders = 16;

void spin_for(std::int64_t nanoseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(nanoseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

// Shared memory that this process may write.
struct WritableRange {
  std::byte* begin;
  std::size_t size;
};

std::vector<WritableRange> writable_shared_memory() {
  std::vector<WritableRange> ranges;
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  char line[512];
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char access[5] = {};
    if (std::sscanf(line, "%lx-%lx %4s", &begin, &end, access) != 3) continue;
    if (std::strcmp(access, "rw-s") == 0 && std::strstr(line, "memfd:") != nullptr) {
      ranges.push_back({reinterpret_cast<std::byte*>(begin), end - begin});
    }
  }
  if (maps != nullptr) std::fclose(maps);
  return ranges;
}

// Writes random bytes over all shared memory that its process may write, from a thread of its own.
class Corrupter {
 public:
  // counter: a file of 8 bytes in which writes are counted, of all processes.
  Corrupter(std::uint64_t seed, std::int64_t most_writes, const std::string& counter)
      : random_(seed), most_writes_(most_writes) {
    const int fd = open(counter.c_str(), O_RDWR | O_CLOEXEC);
    void* memory = mmap(nullptr, sizeof *counter_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) throw kernel::Failed("cannot map the counter");
    counter_ = static_cast<std::atomic<std::uint64_t>*>(memory);
  }
  ~Corrupter() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
    munmap(counter_, sizeof *counter_);
  }
  Corrupter(const Corrupter&) = delete;
  Corrupter& operator=(const Corrupter&) = delete;

  void start() {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }

 private:
  void run() {
    const std::vector<WritableRange> ranges = writable_shared_memory();
    if (ranges.empty()) return;
    std::int64_t written = 0;
    while (!stopped_ && written < most_writes_) {
      const std::int64_t burst = 1 + static_cast<std::int64_t>(random_() % 8192);
      for (std::int64_t i = 0; i < burst; ++i) write_somewhere(ranges[random_() % ranges.size()]);
      written += burst;
      // relaxed: a count.
      counter_->fetch_add(static_cast<std::uint64_t>(burst), std::memory_order_relaxed);
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 300));
    }
  }

  // Words of the protocol lie at the beginning; half of all writes go there.
  void write_somewhere(const WritableRange& range) {
    constexpr std::size_t kMostBytes = 8;
    constexpr std::size_t kBeginning = 4096;
    const std::size_t most = random_() % 2 == 0 ? std::min(kBeginning, range.size) : range.size;
    const std::size_t size = 1 + random_() % kMostBytes;
    const std::uint64_t bytes = interesting_word();
    std::memcpy(range.begin + random_() % (most - kMostBytes), &bytes, size);
  }

  std::uint64_t interesting_word() {
    constexpr std::uint64_t kWords[] = {0, 1, ~std::uint64_t{0}, std::uint64_t{1} << 63, 1U << 16};
    const std::uint64_t word = random_();
    return word % 4 == 0 ? kWords[word / 4 % std::size(kWords)] : word;
  }

  std::mt19937_64 random_;
  std::int64_t most_writes_;
  std::atomic<std::uint64_t>* counter_ = nullptr;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

void damage_own_queue() {
  std::mt19937_64 random(static_cast<std::uint64_t>(getpid()));
  // Reports go through the smallest of them that is no control segment: all are written.
  for (const WritableRange& range : writable_shared_memory()) {
    const std::size_t words = range.size / sizeof(std::uint64_t);
    if (range.size < (std::size_t{256} << 10) || range.size > (std::size_t{272} << 10)) continue;
    for (std::size_t i = 0; i < words; ++i) {
      const std::uint64_t word = random();
      std::memcpy(range.begin + i * sizeof word, &word, sizeof word);
    }
  }
}

[[noreturn]] void sleep_for_ever() {
  for (;;) usleep(1000);
}

void take_memory() {
  constexpr std::size_t kStep = std::size_t{8} << 20;
  for (;;) {
    void* memory = mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    std::memset(memory, 1, kStep);
  }
}

void misbehave(std::string_view how) {
  if (how == "segfault") raise(SIGSEGV);
  if (how == "abort") std::abort();
  if (how == "fpe") raise(SIGFPE);
  if (how == "exit0") _exit(0);
  if (how == "hang") sleep_for_ever();
  if (how == "memory") take_memory();
  if (how == "corrupt") {
    damage_own_queue();
    sleep_for_ever();
  }
}

void log_moment(const std::string& file, MomentKind kind) {
  if (file.empty()) return;
  const int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  const Moment moment{getpid(), kind, nanoseconds_now()};
  if (write(fd, &moment, sizeof moment) != sizeof moment) throw kernel::Failed("cannot write");
  close(fd);
}

// What all of them are asked.
struct Common {
  std::int64_t items;
  std::int64_t work_ns;

  explicit Common(const kernel::Request& request)
      : items(request.param<std::int64_t>("items")),
        work_ns(request.param<std::int64_t>("work_ns")) {}
};

constexpr gm_param_decl kItems = kernel::param<std::int64_t>("items", "number of items", "1");
constexpr gm_param_decl kWork = kernel::param<std::int64_t>("work_ns", "time of each chunk", "0");

// A hash of each item. In the chunks of the items of `guilty` it does what `how` says.
class ChaosMap {
 public:
  static constexpr const char* kName = "chaos_map";
  static constexpr const char* kSummary = "a hash of each item";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      kItems,
      kWork,
      kernel::param<std::int64_t>("sleep_ns", "more time of each chunk, idle", "0"),
      kernel::param<std::int64_t>("guilty_every", "one item in so many is guilty; 0: none", "0"),
      kernel::param<std::string_view>("how", "segfault, abort, fpe, exit0, hang, memory, corrupt",
                                      "segfault"),
      kernel::param<std::string_view>("log", "a file for moments, or empty", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("hash", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(Common(request).items).output<std::int64_t>("hash");
  }
  explicit ChaosMap(const kernel::Request& request)
      : common_(request),
        sleep_(request.param<std::int64_t>("sleep_ns")),
        guilty_every_(request.param<std::int64_t>("guilty_every")),
        how_(request.param<std::string_view>("how")),
        log_(request.param<std::string_view>("log")) {}

  void run(const kernel::Chunk& chunk) const {
    if (!logged_) log_moment(log_, MomentKind::kFirstChunk);
    logged_ = true;
    const auto hashes = chunk.output<std::int64_t>("hash");
    spin_for(common_.work_ns);
    if (sleep_.count() > 0) std::this_thread::sleep_for(sleep_);
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      if (guilty_every_ > 0 && item % guilty_every_ == guilty_every_ / 2) {
        log_moment(log_, MomentKind::kMisbehaves);
        misbehave(how_);
      }
      hashes[static_cast<std::size_t>(item - chunk.begin())] = item_hash(item, {}, 1);
    }
  }

 private:
  Common common_;
  std::chrono::nanoseconds sleep_;
  std::int64_t guilty_every_;
  std::string how_;
  std::string log_;
  mutable bool logged_ = false;
};

// How often each remainder occurs: an exact merge.
class ChaosCount : public Counting {
 public:
  static constexpr const char* kName = "chaos_count";
  static constexpr const char* kSummary = "how often each remainder occurs";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {kItems, kWork};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("count", "int64 per remainder")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_EXACT_MERGE;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(Common(request).items)
        .accumulator<std::int64_t>(kRemainders)
        .output<std::int64_t>("count", {kRemainders});
  }
  explicit ChaosCount(const kernel::Request& request) : common_(request) {}

  void run(const kernel::Chunk& chunk) const {
    const auto counts = chunk.accumulator<std::int64_t>();
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      // In the middle, so that a kill leaves half a chunk in the accumulator.
      if (item == chunk.begin() + chunk.size() / 2) spin_for(common_.work_ns);
      ++counts[static_cast<std::uint64_t>(item_hash(item, {}, 1)) % kRemainders];
    }
  }

 private:
  Common common_;
};

// Depends on every item, on their order and on the tree of merges.
class ChaosDigest {
 public:
  static constexpr const char* kName = "chaos_digest";
  static constexpr const char* kSummary = "a digest that depends on every merge";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {kItems, kWork};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("digest", "a single uint64"),
                                                kernel::output("sum", "a single float64")};

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(Common(request).items).accumulator<OrderedDigest>(1);
    plan.output<std::uint64_t>("digest").output<double>("sum");
  }
  explicit ChaosDigest(const kernel::Request& request) : common_(request) {}

  void run(const kernel::Chunk& chunk) const {
    OrderedDigest& digest = chunk.accumulator<OrderedDigest>().back();
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      if (item == chunk.begin() + chunk.size() / 2) spin_for(common_.work_ns);
      digest.add(item_hash(item, {}, 1));
    }
  }
  void merge(const kernel::Merge& merge) const {
    spin_for(common_.work_ns);
    merge.into<OrderedDigest>().back().merge(merge.from<OrderedDigest>().back());
  }
  void finish(const kernel::Finish& finish) const {
    const OrderedDigest& digest = finish.accumulator<OrderedDigest>().back();
    if (finish.wanted("digest")) finish.output<std::uint64_t>("digest")[0] = digest.digest;
    if (finish.wanted("sum")) finish.output<double>("sum")[0] = digest.sum;
  }

 private:
  Common common_;
};

// The hashes that three divides.
class ChaosEmit {
 public:
  static constexpr const char* kName = "chaos_emit";
  static constexpr const char* kSummary = "the hashes that three divides";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {kItems, kWork};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("hash", "int64")};
  static constexpr gm_pattern kPattern = GM_EMIT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(Common(request).items).output<std::int64_t>("hash");
  }
  explicit ChaosEmit(const kernel::Request& request) : common_(request) {}

  void run(const kernel::Chunk& chunk) const {
    const kernel::Rows rows = chunk.emit(chunk.size());
    const auto hashes = rows.output<std::int64_t>("hash");
    std::size_t kept = 0;
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      if (item == chunk.begin() + chunk.size() / 2) spin_for(common_.work_ns);
      const std::int64_t hash = item_hash(item, {}, 1);
      if (hash % 3 == 0) hashes[kept++] = hash;
    }
    rows.commit(static_cast<std::int64_t>(kept));
  }

 private:
  Common common_;
};

// Some of its workers write over everything from their first chunk on.
template <class Kernel>
class Corrupting : public Kernel {
 public:
  static constexpr gm_param_decl kParams[] = {
      kItems, kWork, kernel::param<std::int64_t>("seed", "of the writes", "1"),
      kernel::param<std::int64_t>("writes", "most of one worker", "1000"),
      kernel::param<std::string_view>("counter", "a file where they are counted", "")};

  explicit Corrupting(const kernel::Request& request)
      : Kernel(request),
        seed_(mix(static_cast<std::uint64_t>(request.param<std::int64_t>("seed")) +
                  static_cast<std::uint64_t>(getpid()))),
        corrupter_(seed_, request.param<std::int64_t>("writes"),
                   std::string(request.param<std::string_view>("counter"))) {}

  void run(const kernel::Chunk& chunk) const {
    if (seed_ % 2 == 0) corrupter_.start();
    Kernel::run(chunk);
  }

 private:
  std::uint64_t seed_;
  mutable Corrupter corrupter_;
};

// A map without the parameters of the guilty.
class HashItems {
 public:
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("hash", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;
  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(Common(request).items).output<std::int64_t>("hash");
  }
  explicit HashItems(const kernel::Request& request) : common_(request) {}
  void run(const kernel::Chunk& chunk) const {
    spin_for(common_.work_ns);
    std::int64_t item = chunk.begin();
    for (std::int64_t& hash : chunk.output<std::int64_t>("hash")) hash = item_hash(item++, {}, 1);
  }

 private:
  Common common_;
};

struct CorruptMap : Corrupting<HashItems> {
  static constexpr const char* kName = "corrupt_map";
  static constexpr const char* kSummary = "a map that writes over everything";
  using Corrupting::Corrupting;
};
struct CorruptCount : Corrupting<ChaosCount> {
  static constexpr const char* kName = "corrupt_count";
  static constexpr const char* kSummary = "an exact reduce that writes over everything";
  using Corrupting::Corrupting;
};
struct CorruptDigest : Corrupting<ChaosDigest> {
  static constexpr const char* kName = "corrupt_digest";
  static constexpr const char* kSummary = "a reduce that writes over everything";
  using Corrupting::Corrupting;
};
struct CorruptEmit : Corrupting<ChaosEmit> {
  static constexpr const char* kName = "corrupt_emit";
  static constexpr const char* kSummary = "an emit that writes over everything";
  using Corrupting::Corrupting;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::ChaosMap, gristmill::test::ChaosCount,
                  gristmill::test::ChaosDigest, gristmill::test::ChaosEmit,
                  gristmill::test::CorruptMap, gristmill::test::CorruptCount,
                  gristmill::test::CorruptDigest, gristmill::test::CorruptEmit)
