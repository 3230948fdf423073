#pragma once

#include <cstdint>

namespace gristmill::test {

// Calls body with a value of each whole-number type that arrays have.
template <class Body>
void for_each_integer_type(const Body& body) {
  body(std::int8_t{});
  body(std::int16_t{});
  body(std::int32_t{});
  body(std::int64_t{});
  body(std::uint8_t{});
  body(std::uint16_t{});
  body(std::uint32_t{});
  body(std::uint64_t{});
}

}  // namespace gristmill::test
