#pragma once

namespace gristmill::cli {

// While one exists, SIGINT, SIGTERM and SIGHUP are noted instead of ending the program, and
// writing to a closed pipe is an error instead of a signal. The destructor restores what was.
// A further signal, two seconds or more after the first, ends the program at once.
// Requires: at most one exists, and no thread was started before it.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The first signal that came; 0 if none did.
  int signal() const;
};

// "SIGINT".
const char* signal_name(int signal);

}  // namespace gristmill::cli
