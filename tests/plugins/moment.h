#pragma once

#include <chrono>
#include <cstdint>

namespace gristmill::test {

enum class MomentKind : std::int32_t { kFirstChunk, kMisbehaves };

// What a worker writes down, in a file to which all append.
struct Moment {
  std::int32_t pid;
  MomentKind kind;
  std::int64_t nanoseconds;
};

// Of a clock that all processes of a machine share.
inline std::int64_t nanoseconds_now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace gristmill::test
