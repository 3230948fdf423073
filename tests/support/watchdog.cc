#include "tests/support/watchdog.h"

#include <execinfo.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/support/process_table.h"

namespace gristmill::test {
namespace {

const int kExpired = SIGRTMAX - 1;
const int kShowStack = SIGRTMAX - 2;
// Printing takes no longer, or hangs as well.
constexpr unsigned kPrintingSeconds = 20;

int limit_seconds() {
  const char* text = std::getenv("GRISTMILL_TEST_LIMIT");
  const int seconds = text == nullptr ? 0 : std::atoi(text);
  return seconds > 0 ? seconds : 300;
}

void show_own_stack(int) {
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
}

void show_threads(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task/";
  for (const std::string& thread : entries_of(folder)) {
    const std::string of_thread = folder + thread + "/";
    std::fprintf(stderr, "  thread %s: state %c, waits in %s, system call %s%s", thread.c_str(),
                 process_state(std::stoi(thread)), text_of(of_thread + "wchan").c_str(),
                 text_of(of_thread + "syscall").c_str(), text_of(of_thread + "stack").c_str());
    if (pid != getpid()) continue;
    // A thread that blocks all signals shows only what stands above.
    syscall(SYS_tgkill, pid, std::stoi(thread), kShowStack);
    usleep(100'000);
  }
}

// Not safe in a signal handler, where it runs; but what it interrupts hangs, and the alarm ends it
// if that is inside of malloc.
void show_everything_and_abort(int) {
  std::signal(SIGALRM, SIG_DFL);
  alarm(kPrintingSeconds);
  std::fprintf(stderr, "\nwatchdog: the test has not ended within %d s; process %d\n",
               limit_seconds(), getpid());
  show_threads(getpid());
  for (const pid_t child : child_processes()) {
    std::fprintf(stderr, "child process %d, state %c: %s\n", child, process_state(child),
                 text_of("/proc/" + std::to_string(child) + "/cmdline").c_str());
    show_threads(child);
  }
  std::fflush(stderr);
  std::abort();
}

timer_t create_timer() {
  std::signal(kShowStack, show_own_stack);
  std::signal(kExpired, show_everything_and_abort);
  // The first call loads a library, which a signal handler should not.
  void* frame = nullptr;
  backtrace(&frame, 1);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = kExpired;
  timer_t timer{};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) std::perror("watchdog");
  return timer;
}

timer_t the_timer() {
  static timer_t timer = create_timer();
  return timer;
}

}  // namespace

Watchdog::Watchdog() { the_timer(); }

void Watchdog::OnTestStart(const testing::TestInfo&) { restart(); }

void Watchdog::restart() {
  itimerspec limit{};
  limit.it_value.tv_sec = limit_seconds();
  timer_settime(the_timer(), 0, &limit, nullptr);
}

}  // namespace gristmill::test
