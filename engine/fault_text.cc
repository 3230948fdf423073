#include "engine/fault_text.h"

#include <fmt/core.h>

#include <gristmill/format.h>

#include "engine/process_state.h"

namespace gristmill::engine {
namespace {

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{} s", static_cast<double>(time.count()) / 1000);
}

std::string hint_for(const PlannedJob& job, const FailedAttempt& attempt) {
  switch (attempt.cause) {
    case FaultCause::kKilled:
      return "Another program killed it; the system does so itself when memory runs out.";
    case FaultCause::kOutOfMemory:
      return "Memory ran out. Run it with fewer workers or smaller chunks.";
    case FaultCause::kTimeout:
      return "Allow more time for a chunk, or make the chunks smaller.";
    case FaultCause::kMemoryLimit:
      return "Allow more memory for a worker, or make the chunks smaller.";
    default:
      break;
  }
  if (attempt.chunk < 0 || attempt.chunk >= job.chunks.chunks) {
    return "Run it under a debugger, or with fewer items, to find out why.";
  }
  return "Cut these rows out of the input and run the kernel on them alone to find out why, or "
         "skip "
         "what fails (on_error).";
}

}  // namespace

std::string chunk_in_words(const PlannedJob& job, std::uint32_t chunk, std::uint32_t chunks) {
  if (is_follow_up(job, chunk) && job.emit) {
    return "the copying of the rows of chunk " + format_count(chunk - job.chunks.chunks);
  }
  if (is_follow_up(job, chunk)) {
    return "merge " + format_count(chunk - job.chunks.chunks) + " of the partial results" +
           (chunk + 1 == chunks ? " (the last, which finishes them)" : "");
  }
  const ItemRange range = job.chunks.range_of(chunk);
  const char* items = job.space.has_tiles() ? "tiles" : "rows";
  return "chunk " + format_count(chunk) + ", " + items + " " + format_count(range.begin) + " to " +
         format_count(range.end - 1);
}

std::string end_in_words(const WorkerDeath& death, FaultCause cause, const PlannedJob& job) {
  switch (cause) {
    case FaultCause::kViolation:
      return "was killed because " + death.violation;
    case FaultCause::kTimeout:
      return "was killed because it was in one chunk for more than " +
             seconds(job.faults.chunk_timeout);
    case FaultCause::kStopped:
      return "was killed because it was stopped for more than " +
             seconds(job.faults.stopped_timeout);
    case FaultCause::kMemoryLimit:
      return "was killed because it had more memory than a worker may have";
    case FaultCause::kOutOfMemory:
      return "was killed by the system, which ran out of memory,";
    default:
      return death.exit.in_words();
  }
}

Error death_error(const PlannedJob& job, const FailedAttempt& attempt, const std::string& where) {
  std::string detail;
  if (attempt.attempt > 1) {
    detail = fmt::format(
        "It was tried {} times, after the first each time first and alone in a "
        "new worker.",
        attempt.attempt);
  }
  return Error(ErrorCode::kFailed,
               {"kernel \"" + job.plan.kernel + "\" could not be finished: worker " +
                    std::to_string(attempt.worker) + " " + attempt.what + " " + where,
                std::move(detail), hint_for(job, attempt)});
}

Error lost_error(const PlannedJob& job, std::uint32_t worker, pid_t pid, const std::string& chunk) {
  const std::string who = fmt::format("worker {} (process {})", worker, pid);
  std::string message = fmt::format(
      "kernel \"{}\" could not be finished: {} was killed and does not end", job.plan.kernel, who);
  std::string detail = "It is " + state_in_words(pid) + ".";
  if (!chunk.empty()) {
    message += ", in " + chunk;
    detail += " As long as it is, it may write what belongs to that chunk, so nobody else can.";
  }
  return Error(
      ErrorCode::kFailed,
      {std::move(message), std::move(detail),
       "It waits for the system, often for a file system or a device that does not answer: "
       "see to that, and run it again."});
}

}  // namespace gristmill::engine
