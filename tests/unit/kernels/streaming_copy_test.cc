#include "kernels/streaming_copy.h"

#include <vector>

#include <gtest/gtest.h>

namespace gristmill::kernels {
namespace {

TEST(StreamingCopyTest, CopiesAllBytesAndNoOthersAtAnyAlignment) {
  std::vector<std::byte> source(600);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = std::byte(i * 37 + 11);
  for (std::size_t to = 0; to < 70; to += 3) {
    for (std::size_t from = 0; from < 20; from += 7) {
      for (const std::size_t size : {0, 1, 15, 63, 64, 65, 127, 128, 129, 500}) {
        std::vector<std::byte> target(700, std::byte{0xAB});
        streaming_copy(std::span(target).subspan(to, size), source.data() + from);
        for (std::size_t i = 0; i < target.size(); ++i) {
          const bool inside = i >= to && i < to + size;
          ASSERT_EQ(target[i], inside ? source[from + i - to] : std::byte{0xAB})
              << "byte " << i << " of " << size << " to " << to;
        }
      }
    }
  }
}

}  // namespace
}  // namespace gristmill::kernels
