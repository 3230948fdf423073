// A kernel that writes over what its worker shares with others.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <gristmill/kernel.hpp>

#include "ipc/worker_link.h"
#include "tests/plugins/gate.h"

namespace gristmill::test {
namespace {

// The writable shared memory of that many bytes, rounded up to pages. Null: there is none.
void* writable_segment(std::size_t size_bytes) {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  const std::size_t wanted = (size_bytes + 4095) & ~std::size_t{4095};
  char line[512];
  void* found = nullptr;
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char access[5] = {};
    if (std::sscanf(line, "%lx-%lx %4s", &begin, &end, access) != 3) continue;
    if (std::strcmp(access, "rw-s") == 0 && end - begin == wanted &&
        std::strstr(line, "memfd:") != nullptr) {
      found = reinterpret_cast<void*>(begin);
    }
  }
  if (maps != nullptr) std::fclose(maps);
  return found;
}

// In the chunk of item `at`, damages the queue of reports, and then waits for its end.
class DamageReports {
 public:
  static constexpr const char* kName = "damage_reports";
  static constexpr const char* kSummary = "writes over its worker's queue of reports";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1"),
      kernel::param<std::int64_t>("at", "the item where it does so", "0"),
      kernel::param<std::string_view>("how", "head, length, frame or noise", "head"),
      kernel::param<std::string_view>("folder", "where it announces itself", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("index", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("index");
  }
  explicit DamageReports(const kernel::Request& request)
      : at_(request.param<std::int64_t>("at")),
        how_(request.param<std::string_view>("how")),
        folder_(request.param<std::string_view>("folder")) {}

  void run(const kernel::Chunk& chunk) const {
    if (chunk.begin() <= at_ && at_ < chunk.end()) {
      auto* half = static_cast<ipc::QueueHalf*>(writable_segment(sizeof(ipc::QueueHalf)));
      if (half == nullptr) throw kernel::Failed("the queue was not found");
      damage(half->outgoing);
      announce(folder_, at_);
      // What it wrote is not read before the next tick.
      wait_at_gate(chunk, folder_);
    }
    std::int64_t item = chunk.begin();
    for (std::int64_t& index : chunk.output<std::int64_t>("index")) index = item++;
  }

 private:
  void damage(ipc::RingLayout& ring) const {
    const std::uint64_t head = ring.head.load();
    const auto put = [&](std::uint64_t at, std::uint32_t word) {
      std::memcpy(ring.frames.data() + at % ipc::kRingBytes, &word, sizeof word);
    };
    if (how_ == "head") {
      ring.head = head + 3 * std::uint64_t{ipc::kRingBytes};
    } else if (how_ == "length") {
      put(head, 0xFFFFFFFF);
      ring.head = head + 16;
    } else if (how_ == "frame") {
      put(head, 12);
      put(head + 4, 0xC1C1C1C1);
      ring.head = head + 16;
    } else if (how_ == "noise") {
      std::fill(ring.frames.begin(), ring.frames.end(), std::byte{0x5A});
      ring.head = head + ipc::kRingBytes / 2;
    }
  }

  std::int64_t at_;
  std::string how_;
  std::string folder_;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::DamageReports)
