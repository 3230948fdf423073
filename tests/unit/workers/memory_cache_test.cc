#include "workers/memory_cache.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "ipc/segment.h"
#include "tests/support/error_of.h"

namespace gristmill::workers {
namespace {

using ipc::Access;

class MemoryCacheTest : public testing::Test {
 protected:
  static constexpr std::int64_t kBytes = 8192;

  MappedMemory& map(std::uint64_t number, Access access, bool sealed = false) {
    return cache_.map(segment_.fd(), {0, number, 0, kBytes, 0, sealed}, access);
  }
  // Mappings of segments in this process.
  int mappings() const {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) {
      count += line.find("memfd:") != std::string::npos ? 1 : 0;
    }
    return count;
  }

  ipc::Segment segment_ = ipc::Segment::create(kBytes);
  MemoryCache cache_;
};

using MemoryCacheDeathTest = MemoryCacheTest;

TEST_F(MemoryCacheTest, TheSameMemoryIsMappedOnce) {
  std::byte* const first = map(1, Access::kWrite).data();
  EXPECT_EQ(map(1, Access::kWrite).data(), first);
  EXPECT_EQ(map(1, Access::kRead).data(), first);
  EXPECT_NE(map(2, Access::kWrite).data(), first);
}

TEST_F(MemoryCacheTest, AnotherRangeOfAKnownNumberIsRefused) {
  map(1, Access::kRead);
  for (const auto& [offset, bytes] : {std::pair{4096, 4096}, {0, 4096}}) {
    EXPECT_EQ(test::error_of([&, o = offset, b = bytes] {
                cache_.map(segment_.fd(), {0, 1, o, b, 0, false}, Access::kRead);
              }).code(),
              ErrorCode::kInternal);
  }
}

TEST_F(MemoryCacheTest, ReadThenWriteMapsItAgain) {
  EXPECT_FALSE(map(1, Access::kRead).can_write());
  MappedMemory& memory = map(1, Access::kWrite);
  ASSERT_TRUE(memory.can_write());
  memory.data()[0] = std::byte{42};
  EXPECT_EQ(map(2, Access::kRead).data()[0], std::byte{42});
}

TEST_F(MemoryCacheDeathTest, FrozenMemoryCannotBeWrittenUntilItIsMappedForWritingAgain) {
  std::byte* const data = map(1, Access::kWrite).data();
  data[0] = std::byte{1};
  cache_.freeze_all();
  EXPECT_EQ(map(1, Access::kRead).data(), data);
  EXPECT_EQ(data[0], std::byte{1});
  EXPECT_DEATH(*const_cast<volatile std::byte*>(data) = std::byte{2}, "");
  map(1, Access::kWrite).data()[0] = std::byte{3};
  EXPECT_EQ(data[0], std::byte{3});
}

TEST_F(MemoryCacheTest, WhatIsForgottenIsUnmapped) {
  const int before = mappings();
  map(1, Access::kWrite);
  map(2, Access::kRead);
  EXPECT_EQ(mappings(), before + 2);
  cache_.forget({2, 99});
  EXPECT_EQ(mappings(), before + 1);
  cache_.forget({1});
  EXPECT_EQ(mappings(), before);
}

TEST_F(MemoryCacheTest, WhatShouldBeSealedAndIsNotIsRefusedAndNotKept) {
  const int before = mappings();
  EXPECT_EQ(test::error_of([&] { map(1, Access::kRead, true); }).code(), ErrorCode::kInternal);
  EXPECT_EQ(mappings(), before);
  EXPECT_NO_THROW(map(1, Access::kRead));
}

}  // namespace
}  // namespace gristmill::workers
