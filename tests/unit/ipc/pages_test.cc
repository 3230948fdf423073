#include "ipc/pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::ipc {
namespace {

class PagesTest : public testing::Test {
 protected:
  static constexpr std::int64_t kBytes = 2 * kHugePageBytes;

  // Pages of the mapping's memory that are in memory.
  std::size_t present() {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages(kBytes / page);
    EXPECT_EQ(mincore(mapping_.data(), kBytes, pages.data()), 0);
    std::size_t count = 0;
    for (const unsigned char is_present : pages) count += is_present & 1U;
    return count;
  }
  static std::size_t pages_of(std::int64_t size_bytes) {
    return static_cast<std::size_t>(size_bytes / sysconf(_SC_PAGESIZE));
  }

  Segment segment_ = Segment::create(kBytes);
  WritableMapping mapping_{segment_.fd(), 0, kBytes};
};

TEST_F(PagesTest, LargeMappingsLieWhereHugePagesFit) {
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mapping_.data()) % kHugePageBytes, 0U);
  const WritableMapping part(segment_.fd(), 4096, kHugePageBytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(part.data()) % kHugePageBytes, 4096U);
}

TEST_F(PagesTest, PopulatedPagesArePresentAndUnchanged) {
  mapping_.data()[5] = std::byte{42};
  if (!populate(mapping_.data() + 1, kHugePageBytes, Access::kWrite)) {
    GTEST_SKIP() << "the kernel cannot populate (Linux 5.14)";
  }
  EXPECT_GE(present(), pages_of(kHugePageBytes));
  EXPECT_EQ(mapping_.data()[5], std::byte{42});
  EXPECT_EQ(mapping_.data()[6], std::byte{0});
  EXPECT_TRUE(populate(mapping_.data(), kBytes, Access::kRead));
  EXPECT_EQ(present(), pages_of(kBytes));
}

TEST_F(PagesTest, AReservationIsOnePageForEachHugePage) {
  ASSERT_TRUE(reserve_for_huge_pages(segment_.fd(), kBytes));
  struct stat status {};
  ASSERT_EQ(fstat(segment_.fd(), &status), 0);
  EXPECT_EQ(status.st_blocks * 512, 2 * sysconf(_SC_PAGESIZE));
  EXPECT_EQ(mapping_.data()[0], std::byte{0});
}

TEST_F(PagesTest, CollapsedPagesAreHugeAndUnchanged) {
  EXPECT_EQ(huge_bytes(mapping_.data(), kBytes), 0);
  mapping_.data()[5] = std::byte{42};
  ASSERT_TRUE(reserve_for_huge_pages(segment_.fd(), kBytes));
  if (collapse_to_huge_pages(mapping_.data(), kBytes) != Collapsed::kYes) {
    GTEST_SKIP() << "the kernel cannot collapse shared memory, or has no huge page";
  }
  EXPECT_EQ(mapping_.data()[5], std::byte{42});
  EXPECT_EQ(mapping_.data()[kBytes - 1], std::byte{0});
  EXPECT_EQ(huge_bytes(mapping_.data(), kBytes), kBytes);
}

}  // namespace
}  // namespace gristmill::ipc
