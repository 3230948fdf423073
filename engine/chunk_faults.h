#pragma once

#include <cstdint>
#include <map>

#include <gristmill/faults.h>

namespace gristmill::engine {

// How often each chunk was blamed, and when that is enough.
class ChunkFaults {
 public:
  // A SIGKILL from outside may hit an innocent chunk, so there may be more of them.
  static constexpr int kMostKills = 10;

  // retries: FaultPolicy::retries.
  explicit ChunkFaults(int retries) : retries_(retries) {}

  struct Verdict {
    int attempt;    // of this chunk, from 1
    bool given_up;  // it is not tried again
  };
  Verdict blame(std::uint32_t chunk, FaultCause cause);

 private:
  struct Count {
    int own = 0;
    int kills = 0;
  };

  int retries_;
  std::map<std::uint32_t, Count> counts_;
};

}  // namespace gristmill::engine
