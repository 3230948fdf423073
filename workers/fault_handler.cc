#include "workers/fault_handler.h"

#include <execinfo.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gristmill::workers {
namespace {

// All that runs in a handler is async-signal-safe: no memory is allocated, no stdio is used.

struct Fault {
  int signal;
  const char* name;
  bool has_address;
};
constexpr std::array kFaults = {Fault{SIGSEGV, "SIGSEGV", true}, Fault{SIGBUS, "SIGBUS", true},
                                Fault{SIGFPE, "SIGFPE", false}, Fault{SIGILL, "SIGILL", false},
                                Fault{SIGABRT, "SIGABRT", false}};

// With the line before them they are no more than the coordinator keeps of a worker.
constexpr int kMostFrames = 18;
constexpr int kWriteLimitMs = 1000;
constexpr unsigned kReportLimitSeconds = 5;
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

alignas(16) char alternate_stack[kStackBytes];
std::atomic<int> reported_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

const Fault& fault_of(int signal) {
  for (const Fault& fault : kFaults) {
    if (fault.signal == signal) return fault;
  }
  return kFaults.front();
}

// A line put together in a buffer of its own.
class Line {
 public:
  void add(std::string_view text) {
    const std::size_t size =
        text.size() < sizeof text_ - size_ ? text.size() : sizeof text_ - size_;
    std::memcpy(text_ + size_, text.data(), size);
    size_ += size;
  }
  void add_hexadecimal(std::uintptr_t number) {
    char digits[2 * sizeof number];
    std::size_t first = sizeof digits;
    do {
      digits[--first] = "0123456789abcdef"[number % 16];
      number /= 16;
    } while (number != 0);
    add("0x");
    add({digits + first, sizeof digits - first});
  }
  const char* data() const { return text_; }
  std::size_t size() const { return size_; }

 private:
  char text_[128];
  std::size_t size_ = 0;
};

// Somebody who does not read what a worker writes must not keep it from ending.
bool can_write() {
  pollfd state{STDERR_FILENO, POLLOUT, 0};
  return poll(&state, 1, kWriteLimitMs) == 1;
}

// A signal that a program sent has no address.
void report(const Fault& fault, const siginfo_t& info) {
  Line line;
  line.add(fault.name);
  if (fault.has_address && info.si_code > 0) {
    line.add(" at address ");
    line.add_hexadecimal(reinterpret_cast<std::uintptr_t>(info.si_addr));
  }
  line.add(", in\n");
  if (!can_write() || write(STDERR_FILENO, line.data(), line.size()) < 0) return;
  void* frames[kMostFrames];
  const int count = backtrace(frames, kMostFrames);
  for (int frame = 0; frame < count && can_write(); ++frame) {
    backtrace_symbols_fd(frames + frame, 1, STDERR_FILENO);
  }
}

void set_action(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

// The report hangs: the fault may have happened under a lock that the unwinder needs.
void give_up_report(int) {
  const int signal = reported_signal.load();
  set_action(signal, SIG_DFL);
  raise(signal);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, signal);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

void limit_report() {
  set_action(SIGALRM, give_up_report);
  alarm(kReportLimitSeconds);
}

// The signal is blocked in its own handler, so that it arrives when this returns: a core file then
// shows the place of the fault.
void on_fault(int signal, siginfo_t* info, void*) {
  int nobody = 0;
  if (!reported_signal.compare_exchange_strong(nobody, signal)) {
    // Another thread is about to end the process.
    for (;;) pause();
  }
  limit_report();
  report(fault_of(signal), *info);
  set_action(signal, SIG_DFL);
  raise(signal);
}

void handle(int signal) {
  struct sigaction present {};
  if (sigaction(signal, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) return;
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  // A fault in the handler ends the process at once: a blocked fault has no handler.
  sigemptyset(&action.sa_mask);
  for (const Fault& fault : kFaults) sigaddset(&action.sa_mask, fault.signal);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void install_fault_handler() {
  // Its first call loads a library, which a handler must not.
  void* frame = nullptr;
  backtrace(&frame, 1);
  stack_t stack{};
  stack.ss_sp = alternate_stack;
  stack.ss_size = sizeof alternate_stack;
  if (sigaltstack(&stack, nullptr) != 0) return;
  for (const Fault& fault : kFaults) handle(fault.signal);
}

}  // namespace gristmill::workers
