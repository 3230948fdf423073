// Preloaded into programs: interrupts their system calls, a thousand times a second, by a SIGALRM
// that does nothing. Linked into a test, it does the same there when asked to.

#define _POSIX_C_SOURCE 200809L

#include "tests/fault/signal_storm.h"

#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

static void do_nothing(int number) { (void)number; }

// Without SA_RESTART.
void start_signal_storm(void) {
  struct sigaction action = {.sa_handler = do_nothing};
  sigemptyset(&action.sa_mask);
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval interval = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &interval, NULL);
}

void end_signal_storm(void) {
  const struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
}

#ifdef STORM_AT_LOAD
__attribute__((constructor)) static void start(void) { start_signal_storm(); }
#endif
