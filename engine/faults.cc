#include <gristmill/faults.h>

namespace gristmill {

const char* name_of(FaultCause cause) {
  switch (cause) {
    case FaultCause::kSignal:
      return "signal";
    case FaultCause::kExit:
      return "exit";
    case FaultCause::kKilled:
      return "killed";
    case FaultCause::kOutOfMemory:
      return "out-of-memory";
    case FaultCause::kTimeout:
      return "timeout";
    case FaultCause::kMemoryLimit:
      return "memory-limit";
    case FaultCause::kStopped:
      return "stopped";
    case FaultCause::kViolation:
      return "violation";
    case FaultCause::kError:
      return "error";
  }
  return "unknown";
}

}  // namespace gristmill
