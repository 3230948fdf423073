#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gristmill::test {

// A .npy file's bytes as NumPy writes them, with that text as its dictionary: padded to a multiple
// of 64, then data_bytes bytes of data, byte i being i modulo 251.
inline std::string npy_file(std::string_view dict, std::size_t data_bytes, int major = 1) {
  const std::size_t begin = major == 1 ? 10 : 12;
  std::string header(dict);
  header.resize((begin + header.size() + 1 + 63) / 64 * 64 - begin - 1, ' ');
  header += '\n';
  std::string file = "\x93NUMPY";
  file += static_cast<char>(major);
  file += '\0';
  for (std::size_t i = 0; i < begin - 8; ++i)
    file += static_cast<char>(header.size() >> 8 * i & 0xff);
  file += header;
  for (std::size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i % 251);
  return file;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace gristmill::test
