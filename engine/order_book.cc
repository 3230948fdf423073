#include "engine/order_book.h"

#include <cassert>

namespace gristmill::engine {

std::uint64_t OrderBook::order(std::uint32_t slot) {
  assert(!slots_[slot].busy);
  slots_[slot].busy = true;
  ++busy_count_;
  return ++slots_[slot].sent;
}

bool OrderBook::answer(std::uint32_t slot, std::uint64_t seq) {
  if (!slots_[slot].busy || slots_[slot].sent != seq) return false;
  slots_[slot].busy = false;
  --busy_count_;
  return true;
}

void OrderBook::reaped(std::uint32_t slot) {
  if (!slots_[slot].busy) return;
  slots_[slot].busy = false;
  --busy_count_;
}

}  // namespace gristmill::engine
