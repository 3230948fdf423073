#include "engine/chunk_faults.h"

namespace gristmill::engine {

ChunkFaults::Verdict ChunkFaults::blame(std::uint32_t chunk, FaultCause cause) {
  Count& count = counts_[chunk];
  const bool killed = cause == FaultCause::kKilled || cause == FaultCause::kOutOfMemory;
  ++(killed ? count.kills : count.own);
  const bool given_up =
      cause == FaultCause::kError || count.own > retries_ || count.kills >= kMostKills;
  return {count.own + count.kills, given_up};
}

}  // namespace gristmill::engine
