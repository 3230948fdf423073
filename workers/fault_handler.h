#pragma once

namespace gristmill::workers {

// From here on a fault of this process (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, a stack overflow
// of the calling thread included) writes to stderr what it is and the functions that it happened
// in, and then ends the process by the same signal as without it. Signals that somebody handles
// already, as sanitizers do, are left to them. For a program's main; the worker program's alone.
void install_fault_handler();

}  // namespace gristmill::workers
