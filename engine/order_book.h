#pragma once

#include <cstdint>
#include <vector>

namespace gristmill::engine {

// Which worker owes an answer to which order: the coordinator's private memory of PROTOCOL sections
// 4 and 6. One order is answered by exactly one idle report.
class OrderBook {
 public:
  explicit OrderBook(std::uint32_t slots) : slots_(slots) {}

  // Enters an order for the slot and returns its sequence number. Requires: the slot is not busy.
  std::uint64_t order(std::uint32_t slot);
  // True if it answers the slot's last order; every other report is dropped.
  bool answer(std::uint32_t slot, std::uint64_t seq);
  // The slot's worker was reaped: it owes nothing any more.
  void reaped(std::uint32_t slot);

  bool busy(std::uint32_t slot) const { return slots_[slot].busy; }
  // The quiet state Q: nobody owes an answer, so no live worker holds a claim, a lease or a stamp.
  bool quiet() const { return busy_count_ == 0; }
  std::uint32_t busy_count() const { return busy_count_; }

 private:
  struct Slot {
    std::uint64_t sent = 0;
    bool busy = false;
  };

  std::vector<Slot> slots_;
  std::uint32_t busy_count_ = 0;
};

}  // namespace gristmill::engine
