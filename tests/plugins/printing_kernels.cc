// A kernel that writes to stdout or stderr, or crashes, in a way of the test's choice.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <gristmill/kernel.hpp>
#include <string>
#include <string_view>

#include "tests/plugins/gate.h"

// Exported, so that a backtrace has its name.
extern "C" __attribute__((visibility("default"), noinline)) void gristmill_test_crash(
    const char* how);

namespace gristmill::test {
namespace {

// Not the null pointer, which sanitizers would report in their own way.
void segfault() {
  volatile std::uintptr_t address = 64;
  *reinterpret_cast<volatile int*>(address) = 1;
}

// A page of a mapping that its file does not reach.
void bus_error() {
  const int file = memfd_create("empty", MFD_CLOEXEC);
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
  static_cast<void>(*static_cast<volatile char*>(page));
}

int overflow_stack(int depth) {
  volatile char frame[4096] = {};
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : overflow_stack(depth + 1) + frame[0];
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(STDOUT_FILENO, text.data(), text.size());
    if (size <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

void print_often(std::int64_t count, const std::string& text) {
  for (std::int64_t i = 0; i < count; ++i) write_all(text);
}

class Print {
 public:
  static constexpr const char* kName = "print";
  static constexpr const char* kSummary = "prints in the chunk of item 0";
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::string_view>("plan", "what it does while it plans", "nothing"),
      kernel::param<std::string_view>("how", "what it does", "nothing"),
      kernel::param<std::string_view>("text", "what it prints", ""),
      kernel::param<std::int64_t>("count", "how often", "1"),
      kernel::param<std::string_view>("folder", "where it announces itself, or empty", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("pid", "int64")};

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    do_it(request.param<std::string_view>("plan"), request);
    plan.range(1).output<std::int64_t>("pid");
  }
  explicit Print(const kernel::Request& request)
      : how_(request.param<std::string_view>("how")),
        text_(request.param<std::string_view>("text")),
        count_(request.param<std::int64_t>("count")),
        folder_(request.param<std::string_view>("folder")) {}

  void run(const kernel::Chunk& chunk) const {
    if (!folder_.empty()) announce(folder_, chunk.begin());
    do_it(how_, text_, count_);
    chunk.output<std::int64_t>("pid")[0] = getpid();
  }

 private:
  static void do_it(std::string_view how, const kernel::Request& request) {
    do_it(std::string(how), std::string(request.param<std::string_view>("text")),
          request.param<std::int64_t>("count"));
  }
  static void do_it(const std::string& how, const std::string& text, std::int64_t count) {
    if (how == "lines") return print_often(count, text + "\n");
    if (how == "stdio") static_cast<void>(std::printf("%s\n", text.c_str()));
    if (how == "stderr") static_cast<void>(std::fprintf(stderr, "%s\n", text.c_str()));
    if (how == "unfinished") return print_often(count, text);
    gristmill_test_crash(how.c_str());
  }

  std::string how_;
  std::string text_;
  std::int64_t count_;
  std::string folder_;
};

}  // namespace
}  // namespace gristmill::test

void gristmill_test_crash(const char* name) {
  using namespace gristmill::test;
  const std::string_view how = name;
  if (how == "segfault") segfault();
  if (how == "bus") bus_error();
  if (how == "fpe") raise(SIGFPE);
  if (how == "ill") __builtin_trap();
  if (how == "abort") std::abort();
  if (how == "stack_overflow") overflow_stack(0);
}

GRISTMILL_KERNELS(gristmill::test::Print)
