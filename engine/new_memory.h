#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::engine {

// Allocates and maps the pages of such memory: huge ones where that is possible, so that writing
// takes no faults. What it cannot prepare is left to faults. Requires: it begins at a huge page of
// its segment. Cost: about a microsecond for each 2 MiB that is there already.
void prepare_pages(std::span<std::byte> memory);

// A segment that this process fills and then seals.
// Owns: the segment, and the only writable mapping of it, which forked children do not get.
// Threads and processes: distinct parts may be prepared and written by distinct threads.
class NewMemory {
 public:
  // Zeroed. what: named in errors. Errors: kResources, with both numbers, when there is no memory
  // for it. Cost: about a microsecond for each 2 MiB.
  NewMemory(std::int64_t size_bytes, const std::string& what);

  std::span<std::byte> bytes() const { return mapping_.bytes(); }

  // Nothing is copied; bytes() ends. Errors: kInternal if somebody else has mapped it for writing.
  ipc::Segment seal() &&;

 private:
  ipc::Segment segment_;
  ipc::WritableMapping mapping_;
};

}  // namespace gristmill::engine
