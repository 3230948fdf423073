#include "engine/sealed_copy.h"

#include "engine/new_memory.h"
#include "engine/parallel_parts.h"
#include "ipc/pages.h"

namespace gristmill::engine {

static_assert(kPartBytes % ipc::kHugePageBytes == 0);

ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what, const PartFiller& fill) {
  NewMemory memory(size_bytes, what);
  for_each_part(size_bytes, kPartBytes, [&](std::int64_t begin, std::int64_t end) {
    // Each part by the thread that fills it, right before: its zeroes are still in the cache.
    memory.prepare(begin, end);
    fill(begin, memory.bytes().subspan(static_cast<std::size_t>(begin),
                                       static_cast<std::size_t>(end - begin)));
  });
  return std::move(memory).seal();
}

}  // namespace gristmill::engine
