#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <type_traits>

#include "tests/fuzz/target.h"

namespace gristmill::fuzz {

// Takes values from the front of an input; zeros when it has ended.
class InputReader {
 public:
  explicit InputReader(std::span<const std::byte> left) : left_(left) {}

  bool empty() const { return left_.empty(); }

  template <class T>
  T take() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    const std::span<const std::byte> bytes = take_bytes(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  // Fewer, if the input ends before.
  std::span<const std::byte> take_bytes(std::size_t count) {
    const std::span<const std::byte> taken = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::byte> left_;
};

}  // namespace gristmill::fuzz
