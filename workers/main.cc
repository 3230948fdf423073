#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include "ipc/version.h"
#include "ipc/worker_side.h"

namespace {

// The coordinator's end of the channel lies at this descriptor: workers are started by it alone.
constexpr int kChannelFd = 3;

// A worker dies with the thread that started it, twice over: by this signal, and because its
// channel reports the end of the coordinator. The second also covers a coordinator that died before
// the call.
void die_with_coordinator() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

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
