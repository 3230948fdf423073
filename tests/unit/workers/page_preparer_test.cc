#include "workers/page_preparer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::workers {
namespace {

using ipc::Access;
using ipc::kHugePageBytes;

class PagePreparerTest : public testing::Test {
 protected:
  static constexpr std::int64_t kBytes = 3 * kHugePageBytes;

  bool is_present(std::int64_t offset) {
    unsigned char state = 0;
    EXPECT_EQ(mincore(mapping_.data() + offset, 1, &state), 0);
    return (state & 1U) != 0;
  }
  // Frees the pages of a block.
  void take_away(std::int64_t block) {
    ASSERT_EQ(madvise(mapping_.data() + block * kHugePageBytes, kHugePageBytes, MADV_REMOVE), 0);
  }

  ipc::Segment segment_ = ipc::Segment::create(kBytes);
  ipc::WritableMapping mapping_{segment_.fd(), 0, kBytes};
};

TEST_F(PagePreparerTest, PreparesTheBlocksOfARangeAndNoOthers) {
  PagePreparer pages(mapping_.data(), kBytes, Access::kWrite, false);
  pages.prepare(kHugePageBytes + 10, kHugePageBytes + 20);
  if (!is_present(kHugePageBytes)) GTEST_SKIP() << "the kernel cannot populate (Linux 5.14)";
  EXPECT_TRUE(is_present(2 * kHugePageBytes - 4096));
  EXPECT_FALSE(is_present(0));
  EXPECT_FALSE(is_present(2 * kHugePageBytes));
  EXPECT_EQ(pages.collapsed_bytes(), 0);
}

TEST_F(PagePreparerTest, PreparesEachBlockOnce) {
  PagePreparer pages(mapping_.data(), kBytes, Access::kWrite, false);
  pages.prepare(0, kBytes);
  take_away(1);
  pages.prepare(0, kBytes);
  EXPECT_FALSE(is_present(kHugePageBytes));
}

TEST_F(PagePreparerTest, WhatWasReadableIsPreparedAgainForWriting) {
  mapping_.set_writable(false);
  PagePreparer pages(mapping_.data(), kBytes, Access::kWrite, false);
  pages.set_access(Access::kRead);
  pages.prepare(0, kBytes);
  if (!is_present(0)) GTEST_SKIP() << "the kernel cannot populate (Linux 5.14)";
  mapping_.set_writable(true);
  take_away(0);
  pages.set_access(Access::kWrite);
  pages.prepare(0, 1);
  EXPECT_TRUE(is_present(0));
}

// A worker that died has left rows where its replacement goes on.
TEST_F(PagePreparerTest, ChangesNothingThatIsThere) {
  std::fill_n(mapping_.data(), kBytes, std::byte{0xFF});
  PagePreparer pages(mapping_.data(), kBytes, Access::kWrite, true);
  pages.prepare_sparse(0, kBytes);
  pages.prepare(0, kBytes);
  EXPECT_EQ(std::count(mapping_.data(), mapping_.data() + kBytes, std::byte{0xFF}), kBytes);
}

TEST_F(PagePreparerTest, AnEmptyRangePreparesNothing) {
  PagePreparer pages(mapping_.data(), kBytes, Access::kWrite, true);
  pages.prepare(100, 100);
  EXPECT_FALSE(is_present(0));
}

TEST_F(PagePreparerTest, WhereNothingCanBeHugeItPopulates) {
  // Half a huge page lies before the first whole one.
  constexpr std::int64_t kHalf = kHugePageBytes / 2;
  PagePreparer pages(mapping_.data() + kHalf, kHalf + 4096, Access::kWrite, true);
  pages.prepare(0, kHalf + 4096);
  EXPECT_EQ(pages.collapsed_bytes(), 0);
  if (!is_present(kHalf)) GTEST_SKIP() << "the kernel cannot populate (Linux 5.14)";
  EXPECT_TRUE(is_present(kHugePageBytes));
  EXPECT_FALSE(is_present(0));
  EXPECT_FALSE(is_present(kHugePageBytes + 4096));
}

TEST_F(PagePreparerTest, ThePagesAreThereHugeOrNot) {
  ASSERT_TRUE(ipc::reserve_for_huge_pages(segment_.fd(), kBytes));
  PagePreparer pages(mapping_.data(), kBytes, Access::kWrite, true);
  pages.prepare(0, kBytes);
  EXPECT_EQ(ipc::huge_bytes(mapping_.data(), kBytes), pages.collapsed_bytes());
  if (!is_present(4096)) GTEST_SKIP() << "the kernel can neither collapse nor populate";
  EXPECT_TRUE(is_present(kBytes - 4096));
}

}  // namespace
}  // namespace gristmill::workers
