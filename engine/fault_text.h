#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gristmill/error.h>
#include <gristmill/faults.h>

#include "engine/chunk_plan.h"
#include "engine/planned_job.h"
#include "engine/worker_pool.h"

// What is said of workers that died, and of the chunks in which they did.
namespace gristmill::engine {

// A merge, or the copying of a chunk's rows into files.
inline bool is_follow_up(const PlannedJob& job, std::uint32_t chunk) {
  return chunk >= job.chunks.chunks;
}

// "chunk 3, rows 30 to 39". chunks: of all rounds.
std::string chunk_in_words(const PlannedJob& job, std::uint32_t chunk, std::uint32_t chunks);

// "was killed by SIGSEGV", "was killed because it was in one chunk for more than 2 s".
std::string end_in_words(const WorkerDeath& death, FaultCause cause, const PlannedJob& job);

// Of a job that is given up because of the last of these attempts. where: "in chunk 3, ...", or
// "outside of any chunk".
Error death_error(const PlannedJob& job, const FailedAttempt& attempt, const std::string& where);

// Of a worker that was killed and does not end. chunk: in words, what it may still write; empty:
// nothing.
Error lost_error(const PlannedJob& job, std::uint32_t worker, pid_t pid, const std::string& chunk);

}  // namespace gristmill::engine
