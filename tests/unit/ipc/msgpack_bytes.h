#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

// Messages byte by byte: to write what encode() would not, and to take apart what it wrote.
namespace gristmill::ipc {

using Bytes = std::vector<std::byte>;

template <class T>
constexpr T kMost = std::numeric_limits<T>::max();
template <class T>
constexpr T kLeast = std::numeric_limits<T>::min();

inline Bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline Bytes repeated(std::string_view text, std::size_t times) {
  Bytes bytes;
  for (std::size_t i = 0; i < times; ++i) bytes = std::move(bytes) + bytes_of(text);
  return bytes;
}

// A few pieces of msgpack, to write messages that encode() would not.
inline Bytes array_of(std::initializer_list<Bytes> elements) {
  Bytes bytes{static_cast<std::byte>(0x90 | elements.size())};
  for (const Bytes& element : elements) bytes = std::move(bytes) + element;
  return bytes;
}

inline Bytes big_endian(unsigned char marker, std::uint64_t value, int size_bytes) {
  Bytes bytes{std::byte{marker}};
  for (int i = size_bytes - 1; i >= 0; --i) bytes.push_back(static_cast<std::byte>(value >> 8 * i));
  return bytes;
}

inline Bytes number(std::uint64_t value) { return big_endian(0xCF, value, 8); }
inline Bytes negative(std::int64_t value) {
  return big_endian(0xD3, static_cast<std::uint64_t>(value), 8);
}
inline Bytes text(std::string_view value) {
  return big_endian(0xDA, value.size(), 2) + bytes_of(value);
}
inline const Bytes kNil = bytes_of("\xC0");
inline const Bytes kTrue = bytes_of("\xC3");

// How many elements the array at offset has, and where the first is. 0xDC: more than fifteen.
struct ArrayHead {
  unsigned count;
  std::size_t first;
};
inline ArrayHead array_head(const Bytes& bytes, std::size_t offset) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned>(bytes.at(at)); };
  if (byte(offset) == 0xDC) return {byte(offset + 1) << 8 | byte(offset + 2), offset + 3};
  return {byte(offset) & 0xFU, offset + 1};
}

// Where the value at offset ends. Only for what encode() writes.
inline std::size_t value_end(const Bytes& bytes, std::size_t offset) {
  const auto marker = static_cast<unsigned>(bytes.at(offset));
  const auto length = [&](std::size_t size_bytes) {
    std::size_t value = 0;
    for (std::size_t i = 1; i <= size_bytes; ++i) {
      value = value << 8 | static_cast<std::size_t>(bytes.at(offset + i));
    }
    return value;
  };
  if ((marker >= 0x90 && marker <= 0x9F) || marker == 0xDC) {
    auto [count, end] = array_head(bytes, offset);
    for (unsigned i = 0; i < count; ++i) end = value_end(bytes, end);
    return end;
  }
  if (marker >= 0xA0 && marker <= 0xBF) return offset + 1 + (marker & 0x1FU);
  switch (marker) {
    case 0xC4:
    case 0xD9:
      return offset + 2 + length(1);
    case 0xC5:
    case 0xDA:
      return offset + 3 + length(2);
    case 0xCC:
    case 0xD0:
      return offset + 2;
    case 0xCD:
    case 0xD1:
      return offset + 3;
    case 0xCE:
    case 0xD2:
      return offset + 5;
    case 0xCB:
    case 0xCF:
    case 0xD3:
      return offset + 9;
    default:
      return offset + 1;
  }
}

enum class Kind { kUnsigned, kSigned, kReal, kBool, kText, kBinary, kArray, kNone };

inline Kind kind_of(std::byte first) {
  const auto marker = static_cast<unsigned>(first);
  if (marker <= 0x7F || (marker >= 0xCC && marker <= 0xCF)) return Kind::kUnsigned;
  if (marker >= 0xE0 || (marker >= 0xD0 && marker <= 0xD3)) return Kind::kSigned;
  if ((marker >= 0x90 && marker <= 0x9F) || marker == 0xDC) return Kind::kArray;
  if ((marker >= 0xA0 && marker <= 0xBF) || marker == 0xD9 || marker == 0xDA) return Kind::kText;
  if (marker == 0xC2 || marker == 0xC3) return Kind::kBool;
  if (marker == 0xC4 || marker == 0xC5) return Kind::kBinary;
  return marker == 0xCB ? Kind::kReal : Kind::kNone;
}

// Values of other types than the field's.
inline std::vector<Bytes> strangers(Kind kind) {
  std::vector<Bytes> all = {
      bytes_of(std::string_view("\x81\x01\x01", 3)),          // map
      bytes_of(std::string_view("\xD4\x05\x00", 3)),          // fixext 1
      bytes_of(std::string_view("\xC7\x01\x05\x00", 4)),      // ext 8
      bytes_of("\xC1"),                                       // never used
      bytes_of(std::string_view("\xCA\x3F\x80\x00\x00", 5)),  // float 32
  };
  const auto unless = [&](std::initializer_list<Kind> kinds, const Bytes& bytes) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) all.push_back(bytes);
  };
  unless({Kind::kUnsigned, Kind::kSigned}, number(1));
  unless({Kind::kSigned}, negative(-1));
  unless({Kind::kReal}, bytes_of(std::string_view("\xCB\x3F\xF8\0\0\0\0\0\0", 9)));  // 1.5
  unless({Kind::kBool}, kTrue);
  unless({Kind::kText}, text("abc"));
  unless({Kind::kBinary}, bytes_of(std::string_view("\xC4\x08\0\0\0\0\0\0\0\0", 10)));
  unless({}, array_of({kTrue, kNil, kTrue}));
  unless({Kind::kNone}, kNil);
  return all;
}

// Calls with each value in the message, its containers included, and with the one around it.
template <class Call>
void for_each_value(const Bytes& bytes, std::size_t offset, const Call& call) {
  call(offset, value_end(bytes, offset));
  if (kind_of(bytes[offset]) != Kind::kArray) return;
  auto [count, next] = array_head(bytes, offset);
  for (unsigned i = 0; i < count; ++i) {
    for_each_value(bytes, next, call);
    next = value_end(bytes, next);
  }
}

inline Bytes with(const Bytes& bytes, std::size_t begin, std::size_t end,
                  const Bytes& replacement) {
  const auto at = [&](std::size_t offset) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  return Bytes(bytes.begin(), at(begin)) + replacement + Bytes(at(end), bytes.end());
}

}  // namespace gristmill::ipc
