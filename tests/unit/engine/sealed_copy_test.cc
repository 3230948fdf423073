#include "engine/sealed_copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include <gristmill/error.h>

#include "ipc/mapping.h"
#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

TEST(SealedCopyTest, FillsEveryByteOnceInOrder) {
  for (const std::int64_t size : {1, 4096, 2 << 20, (2 << 20) + 1, (7 << 20) - 3}) {
    std::int64_t next = 0;
    const ipc::Segment segment =
        sealed_copy(size, "it", [&](std::span<std::byte> part, std::int64_t offset) {
          EXPECT_EQ(offset, next);
          next += static_cast<std::int64_t>(part.size());
          std::fill(part.begin(), part.end(), std::byte{0x5a});
        });
    EXPECT_EQ(next, size);
    EXPECT_TRUE(ipc::is_sealed(segment.fd()));
    const ipc::ReadOnlyMapping mapping(segment.fd(), 0, size);
    EXPECT_EQ(std::count(mapping.bytes().begin(), mapping.bytes().end(), std::byte{0x5a}), size);
  }
}

TEST(SealedCopyTest, NothingIsFilledForSizeZero) {
  const ipc::Segment segment =
      sealed_copy(0, "it", [](std::span<std::byte>, std::int64_t) { ADD_FAILURE(); });
  EXPECT_TRUE(ipc::is_sealed(segment.fd()));
}

TEST(SealedCopyTest, ErrorsOfFillPass) {
  const auto fail = [](std::span<std::byte>, std::int64_t) { throw std::runtime_error("no"); };
  EXPECT_THROW(sealed_copy(10, "it", fail), std::runtime_error);
}

TEST(SealedCopyTest, MoreThanThereIsIsRefusedBeforeAnythingIsAllocated) {
  const Error error = test::error_of([] {
    sealed_copy(INT64_MAX / 2, "a dataset",
                [](std::span<std::byte>, std::int64_t) { ADD_FAILURE(); });
  });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve a dataset: not enough memory");
}

}  // namespace
}  // namespace gristmill::engine
