#include "engine/sealed_copy.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <gristmill/error.h>

#include "ipc/mapping.h"
#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

TEST(SealedCopyTest, TakesEveryByteOnceInOrder) {
  for (const std::int64_t size :
       {std::int64_t{1}, std::int64_t{4096}, kPartBytes, kPartBytes + 1, 3 * kPartBytes - 3}) {
    std::int64_t next = 0;
    std::vector<std::byte> part;
    const auto source = [&](std::int64_t offset, std::int64_t size_bytes) {
      EXPECT_EQ(offset, next);
      EXPECT_LE(size_bytes, kPartBytes);
      next += size_bytes;
      part.assign(static_cast<std::size_t>(size_bytes), std::byte{0x5a});
      return std::span<const std::byte>(part);
    };
    const ipc::Segment segment = sealed_copy(size, "it", source);
    EXPECT_EQ(next, size);
    EXPECT_TRUE(ipc::is_sealed(segment.fd()));
    const ipc::ReadOnlyMapping mapping(segment.fd(), 0, size);
    EXPECT_EQ(std::count(mapping.bytes().begin(), mapping.bytes().end(), std::byte{0x5a}), size);
  }
}

std::span<const std::byte> never_asked(std::int64_t, std::int64_t) {
  ADD_FAILURE() << "the source was asked";
  return {};
}

TEST(SealedCopyTest, NothingIsAskedForSizeZero) {
  EXPECT_TRUE(ipc::is_sealed(sealed_copy(0, "it", never_asked).fd()));
}

TEST(SealedCopyTest, ErrorsOfTheSourcePass) {
  const auto fail = [](std::int64_t, std::int64_t) -> std::span<const std::byte> {
    throw std::runtime_error("no");
  };
  EXPECT_THROW(sealed_copy(10, "it", fail), std::runtime_error);
}

TEST(SealedCopyTest, MemoryThatCannotBeReadIsAnErrorAndNotASignal) {
  void* const forbidden = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(forbidden, MAP_FAILED);
  const auto source = [&](std::int64_t, std::int64_t size_bytes) {
    return std::span(static_cast<const std::byte*>(forbidden),
                     static_cast<std::size_t>(size_bytes));
  };
  EXPECT_THROW(sealed_copy(10, "it", source), Error);
  munmap(forbidden, 4096);
}

TEST(SealedCopyTest, MoreThanThereIsIsRefusedBeforeAnythingIsAllocated) {
  const Error error = test::error_of([] { sealed_copy(INT64_MAX / 2, "a dataset", never_asked); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve a dataset: not enough memory");
}

}  // namespace
}  // namespace gristmill::engine
