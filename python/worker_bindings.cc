#include <Python.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "ipc/channel.h"
#include "ipc/system_error.h"
#include "ipc/worker_link.h"
#include "ipc/worker_side.h"
#include "python/bindings.h"
#include "python/call_host.h"
#include "python/function_host.h"
#include "python/function_jobs.h"
#include "workers/shared_object_host.h"
#include "workers/worker.h"
#include "workers/worker_process.h"
#include "workers/zygote.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

pid_t worker_pid = 0;

workers::HostFactory hosts_with(const nb::object& open_function) {
  return [open_function, others = workers::shared_object_hosts()](
             const std::string& plugin) -> std::unique_ptr<workers::KernelHost> {
    if (plugin != kFunctionPlugin) return others(plugin);
    const nb::gil_scoped_acquire acquired;
    return std::make_unique<FunctionHost>(open_function);
  };
}

// Returns the exit code when the coordinator is gone.
int run_worker(int channel_fd, const nb::object& open_function, const nb::object& run_call,
               const nb::object& fail_call) {
  worker_pid = getpid();
  workers::HostFactory hosts = hosts_with(open_function);
  auto calls = std::make_unique<PythonCallHost>(run_call, fail_call);
  const nb::gil_scoped_release released;
  try {
    auto link = ipc::WorkerLink::open(ipc::Channel(ipc::UniqueFd(channel_fd)));
    if (link) workers::Worker(std::move(*link), std::move(hosts), std::move(calls)).run();
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "gristmill worker: %s\n", error.what());
    return ipc::kProtocolFailure;
  }
}

pid_t fork_interpreter() {
  PyOS_BeforeFork();
  const pid_t pid = fork();
  if (pid == 0) {
    PyOS_AfterFork_Child();
  } else {
    PyOS_AfterFork_Parent();
  }
  return pid;
}

void require(int result) {
  if (result < 0) throw ipc::system_error("become a worker", errno, ErrorCode::kResources);
}

// Forks workers until the coordinator is gone. Returns in each worker: the descriptor of its
// channel.
int run_zygote() {
  static ipc::UniqueFd life;  // until the worker ends
  workers::die_with_coordinator(workers::kChannelFd);
  workers::leave_signals_to_coordinator();
  require(fcntl(workers::kChannelFd, F_SETFD, FD_CLOEXEC));
  workers::ForkedWorkerFds worker =
      workers::run_zygote(ipc::UniqueFd(workers::kChannelFd), fork_interpreter);
  require(dup2(worker.output.get(), STDOUT_FILENO));
  require(dup2(worker.output.get(), STDERR_FILENO));
  life = std::move(worker.life);
  workers::die_before_coordinator();
  return worker.channel.release();
}

// The same for a process that was started as a worker.
int become_worker() {
  workers::die_with_coordinator(workers::kChannelFd);
  workers::die_before_coordinator();
  workers::leave_signals_to_coordinator();
  require(fcntl(workers::kChannelFd, F_SETFD, FD_CLOEXEC));
  return workers::kChannelFd;
}

}  // namespace

void end_forked_child() {
  if (getpid() == worker_pid) return;
  std::fputs("gristmill: a function forked, and the new process came back from it: it ends here\n",
             stderr);
  _exit(1);
}

// As PyBUF_READ and PyBUF_WRITE, which the stable interface names from Python 3.11 on only.
constexpr int kRead = 0x100;
constexpr int kWrite = 0x200;

nb::object memory_view(const void* data, std::int64_t size_bytes, bool writable) {
  static char nothing = 0;
  char* const begin = data == nullptr ? &nothing : static_cast<char*>(const_cast<void*>(data));
  return nb::steal(PyMemoryView_FromMemory(begin, size_bytes, writable ? kWrite : kRead));
}

void bind_workers(nb::module_& module) {
  bind_rows(module);
  module.def("run_zygote", &run_zygote);
  module.def("become_worker", &become_worker);
  module.def("run_worker", &run_worker);
}

}  // namespace gristmill::python
