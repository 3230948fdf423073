#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string_view>

#include "ipc/version.h"
#include "ipc/worker_side.h"
#include "workers/fault_handler.h"
#include "workers/test_point.h"

namespace {

// The coordinator's end of the channel lies at this descriptor: workers are started by it alone.
constexpr int kChannelFd = 3;

// A worker dies with the thread that started it, whatever it is doing. A coordinator that died
// before the call sends no signal, but its end of the channel is closed by then.
void die_with_coordinator() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd channel{kChannelFd, 0, 0};
  if (poll(&channel, 1, 0) == 1 && (channel.revents & POLLHUP) != 0) _exit(0);
}

// When memory runs out, the system ends a worker rather than the program that it works for. Where
// that cannot be asked for, the system chooses as for any program.
void die_before_coordinator() {
  constexpr int kMore = 500;
  constexpr int kMost = 1000;
  int inherited = 0;
  std::ifstream("/proc/self/oom_score_adj") >> inherited;
  std::ofstream("/proc/self/oom_score_adj") << std::min(inherited + kMore, kMost);
}

// A crash loses what is in a buffer.
void write_whole_lines() { std::setvbuf(stdout, nullptr, _IOLBF, 0); }

// Ctrl-C goes to the whole terminal group; the coordinator alone decides when a worker ends.
void leave_signals_to_coordinator() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) {
    std::signal(number, SIG_IGN);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gristmill;
  if (argc > 1 && std::string_view(argv[1]) == "--version") {
    std::printf("gristmill-worker %s\n", ipc::kVersion);
    return 0;
  }
  die_with_coordinator();
  GRISTMILL_TEST_POINT("after-start");
  die_before_coordinator();
  write_whole_lines();
  workers::install_fault_handler();
  leave_signals_to_coordinator();
  if (fcntl(kChannelFd, F_SETFD, FD_CLOEXEC) != 0) {
    std::fputs("gristmill-worker is started by gristmill, not by hand\n", stderr);
    return 2;
  }
  try {
    ipc::run_worker(ipc::Channel(ipc::UniqueFd(kChannelFd)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gristmill-worker: %s\n", error.what());
    return ipc::kProtocolFailure;
  }
}
