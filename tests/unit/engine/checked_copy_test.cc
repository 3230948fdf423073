#include "engine/checked_copy.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

TEST(CheckedCopyTest, CopiesAll) {
  std::vector<std::byte> source(3'000'001);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = std::byte(i * 7);
  std::vector<std::byte> target(source.size());
  checked_copy(target, source.data(), "it");
  EXPECT_TRUE(source == target);
  checked_copy({}, nullptr, "nothing");
}

TEST(CheckedCopyTest, MemoryThatCannotBeReadIsAnErrorAndNotASignal) {
  constexpr std::size_t kPage = 4096;
  void* const pages =
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  auto* const source = static_cast<std::byte*>(pages);
  ASSERT_EQ(mprotect(source + kPage, kPage, PROT_NONE), 0);
  std::vector<std::byte> target(2 * kPage);
  EXPECT_NO_THROW(checked_copy(std::span(target).first(kPage), source, "it"));
  const Error error = test::error_of([&] { checked_copy(target, source, "it"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "could not fill it: bad address");
  munmap(pages, 2 * kPage);
}

}  // namespace
}  // namespace gristmill::engine
