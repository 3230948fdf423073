#include "kernels/ranking.h"

#include <array>
#include <bit>
#include <cstddef>

namespace gristmill::kernels {
namespace {

constexpr int kDigitBits = 11;
constexpr int kDigits = 6;
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

// Whole numbers in the order of the numbers: negative ones are turned around.
std::uint64_t key_of(double number) {
  const auto bits = std::bit_cast<std::uint64_t>(number);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double number_of(std::uint64_t key) {
  return std::bit_cast<double>((key & kSign) != 0 ? key & ~kSign : ~key);
}

std::size_t digit_of(std::uint64_t key, int digit) {
  return key >> (digit * kDigitBits) & (kBuckets - 1);
}

}  // namespace

void Ranking::rank(std::span<const double> numbers) {
  const std::size_t count = numbers.size();
  entries_.resize(count);
  other_entries_.resize(count);
  std::array<std::array<std::uint32_t, kBuckets>, kDigits> places = {};
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t key = key_of(numbers[i]);
    entries_[i] = {key, static_cast<std::uint32_t>(i)};
    for (int digit = 0; digit < kDigits; ++digit) {
      ++places[static_cast<std::size_t>(digit)][digit_of(key, digit)];
    }
  }
  for (int digit = 0; digit < kDigits && count != 0; ++digit) {
    auto& place = places[static_cast<std::size_t>(digit)];
    if (place[digit_of(entries_[0].key, digit)] == count) continue;  // all the same
    std::uint32_t begin = 0;
    for (std::uint32_t& bucket : place) {
      const std::uint32_t size = bucket;
      bucket = begin;
      begin += size;
    }
    for (const Entry& entry : entries_) other_entries_[place[digit_of(entry.key, digit)]++] = entry;
    entries_.swap(other_entries_);
  }
  ranks_.resize(count);
  sorted_.resize(count);
  for (std::size_t rank = 0; rank < count; ++rank) {
    ranks_[entries_[rank].place] = static_cast<std::uint32_t>(rank);
    sorted_[rank] = number_of(entries_[rank].key);
  }
}

}  // namespace gristmill::kernels
