#include "cli/interrupt.h"

#include <array>
#include <atomic>
#include <cassert>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include <unistd.h>

#include "cli/error_report.h"

namespace gristmill::cli {
namespace {

constexpr std::array kEndingSignals = {SIGINT, SIGTERM, SIGHUP};
constexpr std::int64_t kPatienceNanoseconds = 2'000'000'000;

std::atomic<int> first_signal{0};
std::atomic<std::int64_t> first_time{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::array<struct sigaction, kEndingSignals.size() + 1> previous_actions;
bool installed = false;

std::int64_t monotonic_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// timeout(1) signals its child and then the child's whole group: twice within microseconds, which
// is not yet a user's second Ctrl-C.
extern "C" void note_signal(int number) {
  const std::int64_t now = monotonic_nanoseconds();
  std::int64_t none = 0;
  if (first_time.compare_exchange_strong(none, now)) {
    first_signal.store(number);
  } else if (now - none >= kPatienceNanoseconds) {
    _exit(kExitSignalBase + number);
  }
}

}  // namespace

Interrupt::Interrupt() {
  assert(!installed && "a second Interrupt is a bug");
  installed = true;
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], &action, &previous_actions[i]);
    // nohup(1) asks for just that.
    if (kEndingSignals[i] == SIGHUP && previous_actions[i].sa_handler == SIG_IGN) {
      sigaction(SIGHUP, &previous_actions[i], nullptr);
    }
  }
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, &previous_actions.back());
}

Interrupt::~Interrupt() {
  for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], &previous_actions[i], nullptr);
  }
  sigaction(SIGPIPE, &previous_actions.back(), nullptr);
  installed = false;
}

int Interrupt::signal() const { return first_signal.load(); }

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "a signal";
  }
}

}  // namespace gristmill::cli
