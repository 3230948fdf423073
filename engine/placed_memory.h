#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace gristmill::engine {

// Names a piece of memory that workers keep mapped for as long as it lives. The number is never
// used again in this process.
class MemoryName {
 public:
  static std::shared_ptr<const MemoryName> create() { return std::make_shared<const MemoryName>(); }
  MemoryName() : number_(next_number()) {}
  std::uint64_t number() const { return number_; }

 private:
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> next = 1;
    return next.fetch_add(1);
  }

  std::uint64_t number_;
};

// Where an array lies: in a range of a descriptor, which workers map as a whole.
// Lifetime: of whatever told it.
struct PlacedArray {
  std::shared_ptr<const MemoryName> memory;
  int fd = -1;
  std::int64_t range_offset = 0;  // in the descriptor
  std::int64_t range_bytes = 0;
  std::int64_t array_offset = 0;  // in the range
  bool sealed = false;
};

}  // namespace gristmill::engine
