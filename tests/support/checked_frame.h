#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "ipc/ring.h"

// Frames that prove that they are whole: number and checksum, then bytes of a length and a content
// that follow from the number. Mostly short, one in a thousand up to the longest allowed.
namespace gristmill::test {

inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

struct FrameHeader {
  std::uint64_t number;
  std::uint64_t checksum;
};

inline std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint64_t number) {
  std::uint64_t sum = mixed(number ^ bytes.size());
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(word)) {
    word = 0;
    std::memcpy(&word, bytes.data() + i, std::min(sizeof(word), bytes.size() - i));
    sum = mixed(sum ^ word);
  }
  return sum;
}

inline void make_checked_frame(std::uint64_t number, std::vector<std::byte>& frame) {
  const std::uint64_t random = mixed(number);
  const std::size_t limit =
      number % 1000 == 999 ? ipc::kMaxFrameBytes - sizeof(FrameHeader) : std::size_t{200};
  frame.resize(sizeof(FrameHeader) + random % (limit + 1));
  const auto body = std::span(frame).subspan(sizeof(FrameHeader));
  for (std::size_t i = 0; i < body.size(); ++i) {
    body[i] = static_cast<std::byte>((random >> (i % 57)) + i);
  }
  const FrameHeader header{number, checksum_of(body, number)};
  std::memcpy(frame.data(), &header, sizeof(header));
}

// The number of a whole frame; none if it is damaged.
inline std::optional<std::uint64_t> number_of(std::span<const std::byte> frame) {
  FrameHeader header{};
  if (frame.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, frame.data(), sizeof(header));
  const bool whole = checksum_of(frame.subspan(sizeof(header)), header.number) == header.checksum;
  return whole ? std::optional(header.number) : std::nullopt;
}

}  // namespace gristmill::test
