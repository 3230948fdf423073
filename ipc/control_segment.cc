#include "ipc/control_segment.h"

#include <cassert>

#include <gristmill/error.h>

namespace gristmill::ipc {
namespace {

// Header, slots, ledger, in this order without gaps.
std::int64_t slots_offset() { return sizeof(ControlHeader); }
std::int64_t ledger_offset(std::uint32_t slots) {
  return slots_offset() + std::int64_t{slots} * static_cast<std::int64_t>(sizeof(SlotWords));
}

}  // namespace

std::uint32_t ledger_tag(std::uint64_t ledger_key, std::uint32_t chunk) {
  // The finaliser of splitmix64 (Steele, Lea, Flood 2014).
  std::uint64_t x = ledger_key + (std::uint64_t{chunk} + 1) * 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  const auto tag = static_cast<std::uint32_t>((x ^ (x >> 31)) >> 32);
  return tag == kOpen || tag == kConvicted ? 1 : tag;
}

std::int64_t ControlSegment::size_bytes(std::uint32_t slots, std::uint32_t chunks) {
  return ledger_offset(slots) +
         std::int64_t{chunks} * static_cast<std::int64_t>(sizeof(std::atomic<std::uint32_t>));
}

ControlSegment::ControlSegment(std::span<std::byte> memory, std::uint32_t slots,
                               std::uint32_t chunks)
    : memory_(memory.data()), slots_(slots), chunks_(chunks) {
  if (static_cast<std::int64_t>(memory.size()) < size_bytes(slots, chunks)) {
    throw Error(ErrorCode::kInvalid, "the control segment is too small for its job");
  }
}

std::atomic<std::uint32_t>& ControlSegment::stop() const {
  return reinterpret_cast<ControlHeader*>(memory_)->stop;
}

SlotWords& ControlSegment::slot(std::uint32_t slot) const {
  assert(slot < slots_);
  return reinterpret_cast<SlotWords*>(memory_ + slots_offset())[slot];
}

std::atomic<std::uint32_t>& ControlSegment::ledger(std::uint32_t chunk) const {
  assert(chunk < chunks_);
  auto* words = memory_ + ledger_offset(slots_);
  return reinterpret_cast<std::atomic<std::uint32_t>*>(words)[chunk];
}

}  // namespace gristmill::ipc
