#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::engine {

// A segment that this process fills and then seals.
// Owns: the segment, and the only writable mapping of it, which forked children do not get.
// Threads and processes: distinct parts may be prepared and written by distinct threads.
class NewMemory {
 public:
  // Zeroed. what: named in errors. Errors: kResources, with both numbers, when there is no memory
  // for it. Cost: about a microsecond for each 2 MiB.
  NewMemory(std::int64_t size_bytes, const std::string& what);

  std::span<std::byte> bytes() const { return mapping_.bytes(); }

  // Allocates and maps the pages of [begin, end): huge ones where that is possible, so that writing
  // takes no faults. What it cannot prepare is left to faults. Requires: begin is a multiple of the
  // size of a huge page.
  void prepare(std::int64_t begin, std::int64_t end) const;

  // Nothing is copied; bytes() ends. Errors: kInternal if somebody else has mapped it for writing.
  ipc::Segment seal() &&;

 private:
  ipc::Segment segment_;
  ipc::WritableMapping mapping_;
};

}  // namespace gristmill::engine
