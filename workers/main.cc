#include <fcntl.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "ipc/test_point.h"
#include "ipc/version.h"
#include "ipc/worker_side.h"
#include "workers/fault_handler.h"
#include "workers/worker_process.h"

namespace {

// A crash loses what is in a buffer.
void write_whole_lines() { std::setvbuf(stdout, nullptr, _IOLBF, 0); }

}  // namespace

int main(int argc, char** argv) {
  using namespace gristmill;
  if (argc > 1 && std::string_view(argv[1]) == "--version") {
    std::printf("gristmill-worker %s\n", ipc::kVersion);
    return 0;
  }
  workers::die_with_coordinator(workers::kChannelFd);
  GRISTMILL_TEST_POINT("after-start");
  workers::die_before_coordinator();
  write_whole_lines();
  workers::install_fault_handler();
  workers::leave_signals_to_coordinator();
  if (fcntl(workers::kChannelFd, F_SETFD, FD_CLOEXEC) != 0) {
    std::fputs("gristmill-worker is started by gristmill, not by hand\n", stderr);
    return 2;
  }
  try {
    ipc::run_worker(ipc::Channel(ipc::UniqueFd(workers::kChannelFd)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gristmill-worker: %s\n", error.what());
    return ipc::kProtocolFailure;
  }
}
