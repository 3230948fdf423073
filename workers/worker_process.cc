#include "workers/worker_process.h"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

namespace gristmill::workers {

// A coordinator that died before the call sends no signal, but its end of the channel is closed by
// then.
void die_with_coordinator(int channel_fd) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd channel{channel_fd, 0, 0};
  if (poll(&channel, 1, 0) == 1 && (channel.revents & POLLHUP) != 0) _exit(0);
}

void die_with_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
}

void die_before_coordinator() {
  constexpr int kMore = 500;
  constexpr int kMost = 1000;
  int inherited = 0;
  std::ifstream("/proc/self/oom_score_adj") >> inherited;
  std::ofstream("/proc/self/oom_score_adj") << std::min(inherited + kMore, kMost);
}

void leave_signals_to_coordinator() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) {
    std::signal(number, SIG_IGN);
  }
}

}  // namespace gristmill::workers
