#include "ipc/control_segment.h"

#include <gristmill/error.h>

namespace gristmill::ipc {

// Header, slots, ledger, in this order without gaps.
std::int64_t ControlSegment::size_bytes(std::uint32_t slots, std::uint32_t chunks) {
  return static_cast<std::int64_t>(sizeof(ControlHeader) + slots * sizeof(SlotWords) +
                                   chunks * sizeof(std::atomic<std::uint32_t>));
}

ControlSegment::ControlSegment(std::span<std::byte> memory, std::uint32_t slots,
                               std::uint32_t chunks)
    : header_(reinterpret_cast<ControlHeader*>(memory.data())),
      slot_words_(reinterpret_cast<SlotWords*>(memory.data() + sizeof(ControlHeader))),
      ledger_(reinterpret_cast<std::atomic<std::uint32_t>*>(slot_words_ + slots)),
      slots_(slots),
      chunks_(chunks) {
  if (static_cast<std::int64_t>(memory.size()) < size_bytes(slots, chunks)) {
    throw Error(ErrorCode::kInvalid, "the control segment is too small for its job");
  }
}

}  // namespace gristmill::ipc
