#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gristmill {

// What becomes of a job when a chunk cannot be computed.
enum class OnError {
  kStop,  // the job fails
  kSkip,  // the chunk is quarantined, and the job goes on
};

// What to do when workers die, hang, or a kernel refuses a chunk.
struct FaultPolicy {
  // How often a chunk in which a worker died is run again, each time first and alone in a fresh
  // worker, before it is given up. A chunk that the kernel refuses is not run again.
  int retries = 2;
  // A worker that is longer in one chunk is killed, as if it had died there. 0: no limit.
  std::chrono::milliseconds chunk_timeout{0};
  // A worker that is stopped (SIGSTOP, a debugger) or sleeps uninterruptibly for so long in a chunk
  // is killed; its chunks go to the others and nobody is blamed. 0: never.
  std::chrono::milliseconds stopped_timeout{60'000};
  OnError on_error = OnError::kStop;
  // What stands in the rows of quarantined items of a map. None: NaN, or 0 where a dtype has none.
  std::optional<double> fill = std::nullopt;
  // Of a map: finds the items of a given-up chunk that cannot be computed, by running ever smaller
  // parts of it, and keeps the others.
  bool bisect = false;
};

// Why a worker died, or a chunk was refused.
enum class FaultCause {
  kSignal,       // of its own doing: SIGSEGV, SIGABRT...
  kExit,         // it ended by itself, with whatever code
  kKilled,       // by a SIGKILL from outside of this engine
  kOutOfMemory,  // by the system, whose count of such kills had risen
  kTimeout,      // by the engine: too long in one chunk
  kMemoryLimit,  // by the engine: more memory than EngineOptions::worker_memory_bytes
  kStopped,      // by the engine: it was stopped for too long
  kViolation,    // by the engine: it wrote what no worker writes
  kError,        // it lives: the kernel refused the chunk
};
// "signal", "exit", "killed", "out-of-memory", "timeout", "memory-limit", "stopped", "violation",
// "error".
const char* name_of(FaultCause cause);

// One failed attempt: a worker's death certificate, or the kernel's refusal.
struct FailedAttempt {
  std::int64_t chunk = -1;  // in which it was; -1: in none, so nobody is blamed
  std::int64_t begin = 0;   // the chunk's items
  std::int64_t end = 0;
  int attempt = 0;  // of that chunk, from 1; 0: not counted against it
  int worker = 0;
  FaultCause cause = FaultCause::kExit;
  std::string what;  // "was killed by SIGSEGV"
  int signal = 0;    // 0: it ended by itself, or lives
  int exit_code = 0;
  std::chrono::duration<double> at{};         // since the job was submitted
  std::int64_t peak_memory_bytes = 0;         // of that worker; 0: not known
  std::chrono::duration<double> cpu_time{};   // of that worker
  std::chrono::duration<double> wall_time{};  // of that worker
  // The last that it wrote to stdout and stderr, the backtrace of a crash among it.
  std::vector<std::string> last_lines;
};

// Items that could not be computed.
struct QuarantinedItems {
  std::int64_t chunk = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::string why;  // of the last attempt
};

// What went wrong in a job, and what was done about it.
struct FaultReport {
  std::vector<FailedAttempt> attempts;  // the first kMostAttempts
  std::int64_t attempt_count = 0;       // all of them
  std::vector<QuarantinedItems> quarantined;
  std::int64_t restarts = 0;  // workers that were started in place of dead ones
  std::int64_t retired = 0;   // workers that were replaced because of their memory
  std::int64_t lost = 0;      // workers that were killed and did not end within ten seconds

  static constexpr std::size_t kMostAttempts = 1000;
};

}  // namespace gristmill
