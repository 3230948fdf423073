#include "engine/sealed_copy.h"

#include "engine/new_memory.h"
#include "engine/parallel_parts.h"
#include "ipc/pages.h"

namespace gristmill::engine {

static_assert(kPartBytes % ipc::kHugePageBytes == 0);

void fill_in_parts(std::span<std::byte> memory, const PartFiller& fill) {
  for_each_part(std::ssize(memory), kPartBytes, [&](std::int64_t begin, std::int64_t end) {
    const auto part =
        memory.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    // Each part by the thread that fills it, right before: its zeroes are still in the cache.
    prepare_pages(part);
    fill(begin, part);
  });
}

ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what, const PartFiller& fill) {
  NewMemory memory(size_bytes, what);
  fill_in_parts(memory.bytes(), fill);
  return std::move(memory).seal();
}

}  // namespace gristmill::engine
