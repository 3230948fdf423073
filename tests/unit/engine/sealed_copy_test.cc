#include "engine/sealed_copy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include <gristmill/error.h>

#include "ipc/mapping.h"
#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

TEST(SealedCopyTest, AsksForEveryByteOnceAndSealsThem) {
  for (const std::int64_t size :
       {std::int64_t{1}, std::int64_t{4096}, kPartBytes, kPartBytes + 1, 3 * kPartBytes - 3}) {
    std::atomic<std::int64_t> asked_for = 0;
    const auto fill = [&](std::int64_t offset, std::span<std::byte> part) {
      EXPECT_LE(std::ssize(part), kPartBytes);
      asked_for += std::ssize(part);
      for (std::size_t i = 0; i < part.size(); ++i) {
        part[i] = std::byte(static_cast<std::size_t>(offset) + i + 1);
      }
    };
    const ipc::Segment segment = sealed_copy(size, "it", fill);
    EXPECT_EQ(asked_for, size);
    EXPECT_TRUE(ipc::is_sealed(segment.fd()));
    const ipc::ReadOnlyMapping mapping(segment.fd(), 0, size);
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < size; ++i) wrong += mapping.data()[i] != std::byte(i + 1) ? 1 : 0;
    EXPECT_EQ(wrong, 0);
  }
}

void never_asked(std::int64_t, std::span<std::byte>) { ADD_FAILURE() << "the filler was called"; }

TEST(SealedCopyTest, NothingIsAskedForSizeZero) {
  EXPECT_TRUE(ipc::is_sealed(sealed_copy(0, "it", never_asked).fd()));
}

TEST(SealedCopyTest, ErrorsOfTheFillerPass) {
  const auto fail = [](std::int64_t, std::span<std::byte>) { throw std::runtime_error("no"); };
  EXPECT_THROW(sealed_copy(10, "it", fail), std::runtime_error);
  EXPECT_THROW(sealed_copy(5 * kPartBytes, "it", fail), std::runtime_error);
}

TEST(SealedCopyTest, MoreThanThereIsIsRefusedBeforeAnythingIsAllocated) {
  const Error error = test::error_of([] { sealed_copy(INT64_MAX / 2, "a dataset", never_asked); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve a dataset: not enough memory");
}

}  // namespace
}  // namespace gristmill::engine
