#pragma once

#include <sys/types.h>

#include <cstdint>

// What the coordinator and a zygote say to each other. A zygote is a process that has loaded what
// workers need and forks one at each request, which is faster than starting a program.
namespace gristmill::ipc {

// A request, on the zygote's socket: this byte with the descriptors in the order of ZygoteFd.
inline constexpr char kForkRequest = 'f';
enum ZygoteFd { kWorkerChannel, kWorkerOutput, kWorkerLife, kZygoteFds };

// Messages on a worker's life, a socket whose other end the zygote and the worker have: so its end
// tells that both are gone. First, with a pidfd of the worker:
struct WorkerForked {
  std::int64_t pid = 0;
};

// Last, when the worker was reaped.
struct WorkerReaped {
  std::int32_t signal = 0;  // 0: it ended by itself
  std::int32_t code = 0;    // its exit code then
  std::int64_t peak_bytes = 0;
  std::int64_t cpu_microseconds = 0;
};

static_assert(sizeof(WorkerForked) != sizeof(WorkerReaped), "they are told apart by their size");

// How a zygote ends that does not understand the coordinator: kProtocolFailure of worker_side.h;
// and one that must not fork, because it has more than one thread.
inline constexpr int kZygoteHasThreads = 72;

}  // namespace gristmill::ipc
