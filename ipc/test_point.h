#pragma once

// Named places where a test build can stop or kill its own process: GRISTMILL_STOP=name:hit raises
// SIGSTOP at the hit-th pass of the process, GRISTMILL_KILL=name:hit SIGKILL. With a third part,
// name:hit:file, only the one process that can create the file does, and writes its process id
// there. Workers and the coordinator see the same variables: names of the coordinator's points
// begin with "coordinator-". Nothing in other builds.
#ifdef GRISTMILL_TEST_POINTS
namespace gristmill::ipc {
// Threads and processes: any thread.
void pass_test_point(const char* name);
}  // namespace gristmill::ipc
#define GRISTMILL_TEST_POINT(name) ::gristmill::ipc::pass_test_point(name)
#else
#define GRISTMILL_TEST_POINT(name) static_cast<void>(0)
#endif
