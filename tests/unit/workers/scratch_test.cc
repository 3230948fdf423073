#include "workers/scratch.h"

#include <gtest/gtest.h>

#include <cstring>

namespace gristmill::workers {
namespace {

TEST(ScratchTest, MemoryIsAlignedApartAndWritable) {
  Scratch scratch;
  std::byte* before = nullptr;
  for (const std::int64_t size : {1, 63, 64, 65, 5000, 100'000, 0}) {
    auto* memory = static_cast<std::byte*>(scratch.take(size));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0U);
    EXPECT_NE(memory, before);
    std::memset(memory, 0x5A, static_cast<std::size_t>(size));
    before = memory;
  }
}

TEST(ScratchTest, WhatWasTakenIsUsedAgainAfterReset) {
  Scratch scratch;
  scratch.take(100);
  void* large = scratch.take(1 << 20);
  scratch.reset();
  EXPECT_EQ(scratch.take(1 << 20), large);
}

TEST(ScratchTest, WhatNoMachineHasIsRefused) {
  Scratch scratch;
  EXPECT_EQ(scratch.take(-1), nullptr);
  EXPECT_EQ(scratch.take(INT64_MAX), nullptr);
  EXPECT_NE(scratch.take(8), nullptr) << "afterwards";
}

}  // namespace
}  // namespace gristmill::workers
