#include "ipc/control_segment.h"

#include <algorithm>
#include <cstring>

#include <gristmill/error.h>

namespace gristmill::ipc {

// Header, slots, records, ledger, in this order without gaps.
std::int64_t ControlSegment::size_bytes(std::uint32_t slots, std::uint32_t chunks,
                                        std::uint32_t records) {
  return static_cast<std::int64_t>(sizeof(ControlHeader) + slots * sizeof(SlotWords) +
                                   records * sizeof(ChunkRecord) +
                                   chunks * sizeof(std::atomic<std::uint32_t>));
}

ControlSegment::ControlSegment(std::span<std::byte> memory, std::uint32_t slots,
                               std::uint32_t chunks, std::uint32_t records)
    : header_(reinterpret_cast<ControlHeader*>(memory.data())),
      slot_words_(reinterpret_cast<SlotWords*>(memory.data() + sizeof(ControlHeader))),
      records_(reinterpret_cast<ChunkRecord*>(slot_words_ + slots)),
      ledger_(reinterpret_cast<std::atomic<std::uint32_t>*>(records_ + records)),
      slots_(slots),
      chunks_(chunks),
      record_count_(records) {
  if (static_cast<std::int64_t>(memory.size()) < size_bytes(slots, chunks, records)) {
    throw Error(ErrorCode::kInvalid, "the control segment is too small for its job");
  }
}

std::uint32_t ControlSegment::count_done(std::uint64_t ledger_key) const {
  // Plain reads, so that many words are compared at once: the writers have reported or were reaped,
  // and what that was read with is ordered before this.
  constexpr std::uint32_t kBlock = 1024;
  std::uint32_t words[kBlock];
  std::uint32_t done = 0;
  for (std::uint32_t begin = 0; begin < chunks_; begin += std::min(kBlock, chunks_ - begin)) {
    const std::uint32_t count = std::min(kBlock, chunks_ - begin);
    std::memcpy(words, static_cast<const void*>(ledger_ + begin), count * sizeof words[0]);
    for (std::uint32_t i = 0; i < count; ++i) {
      done += words[i] == ledger_tag(ledger_key, begin + i) ? 1 : 0;
    }
  }
  return done;
}

}  // namespace gristmill::ipc
