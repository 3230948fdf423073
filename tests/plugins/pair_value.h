#pragma once

#include <cstdint>

// What spaces_kernels.cc computes, for the plain loops that check it.
namespace gristmill::test {

inline std::int64_t pair_value(std::int64_t left, std::int64_t right) {
  auto bits = static_cast<std::uint64_t>(left) * 0x9E3779B97F4A7C15U +
              static_cast<std::uint64_t>(right) * 0xC2B2AE3D27D4EB4FU;
  bits ^= bits >> 29;
  return static_cast<std::int64_t>(bits);
}

inline bool is_emitted(std::int64_t value) { return value % 3 == 0; }

// A sum that depends on the order of its terms, but not on how they are put in groups; so that any
// chunk size gives the same.
class OrderedSum {
 public:
  void add(std::int64_t value) {
    digest_ = digest_ * kFactor + static_cast<std::uint64_t>(value);
    ++count_;
  }
  void merge(const OrderedSum& later) {
    for (std::int64_t i = 0; i < later.count_; ++i) digest_ *= kFactor;
    digest_ += later.digest_;
    count_ += later.count_;
  }
  std::int64_t result() const { return static_cast<std::int64_t>(digest_); }
  std::int64_t count() const { return count_; }

 private:
  static constexpr std::uint64_t kFactor = 0xBF58476D1CE4E5B9U;

  std::uint64_t digest_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace gristmill::test
