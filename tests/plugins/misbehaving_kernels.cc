// Kernels that do what no kernel should, at an item or in a call of the test's choice.
#include <signal.h>
#include <sys/mman.h>

#include <cstdlib>
#include <exception>
#include <gristmill/kernel.hpp>
#include <stdexcept>

#include "tests/plugins/gate.h"
#include "tests/plugins/item_hash.h"

namespace gristmill::test {
namespace {

// Not the null pointer, which sanitizers would report in their own way.
void segfault() {
  volatile std::uintptr_t address = 64;
  *reinterpret_cast<volatile int*>(address) = 1;
}

int overflow_stack(int depth) {
  volatile char frame[4096] = {};
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : overflow_stack(depth + 1) + frame[0];
}

// Takes memory that is never given back.
void leak(std::size_t size_bytes) {
  auto* memory = static_cast<volatile char*>(std::malloc(size_bytes));
  if (memory == nullptr) throw std::bad_alloc();
  for (std::size_t i = 0; i < size_bytes; i += 4096) memory[i] = 1;
}

[[noreturn]] void hang() {
  for (;;) usleep(1000);
}

// The ways to go wrong that need nothing of a call. False: not one of them.
bool misbehave(std::string_view how) {
  if (how == "failed") throw kernel::Failed("this is what went wrong", "This may help.");
  if (how == "invalid") throw kernel::Invalid("this does not suit me");
  if (how == "no_memory") throw std::bad_alloc();
  if (how == "throw") throw std::runtime_error("a plain exception");
  if (how == "throw_int") throw 42;
  if (how == "segfault") segfault();
  if (how == "fpe") raise(SIGFPE);
  if (how == "abort") std::abort();
  if (how == "terminate") std::terminate();
  if (how == "exit0") _exit(0);
  if (how == "exit3") _exit(3);
  if (how == "stack_overflow") overflow_stack(0);
  if (how == "hang") hang();
  if (how == "leak") leak(std::size_t{4} << 20);
  if (how == "grow") leak(std::size_t{1} << 30);
  return false;
}

// Hashes its items, and misbehaves at one of them, while it plans or while it is opened.
class Misbehave {
 public:
  static constexpr const char* kName = "misbehave";
  static constexpr const char* kSummary = "goes wrong at one item";
  static constexpr gm_input_decl kInputs[] = {
      kernel::optional_input("rows", "int64, what is stored into")};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1"),
      kernel::param<std::int64_t>("at", "the item where it goes wrong; -1: every chunk", "0"),
      kernel::param<std::string_view>("how", "what it does there", "nothing"),
      kernel::param<std::string_view>("plan", "what it does while it plans", "nothing"),
      kernel::param<std::string_view>("open", "what it does while it is opened", "nothing"),
      kernel::param<std::string_view>("close", "what it does while it is closed", "nothing"),
      kernel::param<std::string_view>("folder", "where it announces itself, or empty", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("hash", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    misbehave(request.param<std::string_view>("plan"));
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("hash");
  }

  explicit Misbehave(const kernel::Request& request)
      : at_(request.param<std::int64_t>("at")),
        how_(request.param<std::string_view>("how")),
        close_(request.param<std::string_view>("close")),
        folder_(request.param<std::string_view>("folder")) {
    misbehave(request.param<std::string_view>("open"));
    if (request.input("rows").given()) rows_ = request.input("rows").as<std::int64_t>();
  }
  ~Misbehave() { misbehave(close_); }

  void run(const kernel::Chunk& chunk) const {
    if (at_ < 0) go_wrong(chunk, chunk.begin());
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      if (item == at_) go_wrong(chunk, item);
      chunk.output<std::int64_t>("hash")[static_cast<std::size_t>(item - chunk.begin())] =
          item_hash(item, {}, 0);
    }
  }

 private:
  void go_wrong(const kernel::Chunk& chunk, std::int64_t item) const {
    if (!folder_.empty()) announce(folder_, item);
    if (how_ == "wait") return wait_at_gate(chunk, folder_);
    if (how_ == "fail_when_cancelled") {
      wait_at_gate(chunk, folder_);
      if (chunk.cancelled()) throw kernel::Failed("it was cancelled");
      return;
    }
    if (how_ == "store") return store_into_input();
    if (how_ == "unprotect") return unprotect_input();
    misbehave(how_);
  }

  void store_into_input() const { const_cast<std::int64_t&>(rows_[0]) = 1; }

  void unprotect_input() const {
    const auto address = reinterpret_cast<std::uintptr_t>(rows_.data()) & ~std::uintptr_t{4095};
    if (mprotect(reinterpret_cast<void*>(address), 4096, PROT_READ | PROT_WRITE) == 0) {
      throw kernel::Failed("the input could be made writable");
    }
  }

  std::int64_t at_;
  std::string how_;
  std::string close_;
  std::string folder_;
  std::span<const std::int64_t> rows_;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::Misbehave)
