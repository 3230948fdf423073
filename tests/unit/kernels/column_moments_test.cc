// The loops in each instruction set that this CPU has.

#include "kernels/column_moments.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr gm_dtype kDtypes[] = {GM_INT8,   GM_INT16,  GM_INT32,  GM_INT64,   GM_UINT8,
                                GM_UINT16, GM_UINT32, GM_UINT64, GM_FLOAT32, GM_FLOAT64};
constexpr std::int64_t kWidest = 70;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Memory between two pages that nobody may touch: what lies at either end of it cannot be read
// beyond.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t size_bytes)
      : page_bytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
        size_bytes_((size_bytes + page_bytes_ - 1) / page_bytes_ * page_bytes_) {
    void* memory =
        mmap(nullptr, size_bytes_ + 2 * page_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    memory_ = static_cast<std::byte*>(memory);
    EXPECT_EQ(mprotect(begin(), size_bytes_, PROT_READ | PROT_WRITE), 0);
  }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory() { munmap(memory_, size_bytes_ + 2 * page_bytes_); }

  std::byte* begin() const { return memory_ + page_bytes_; }
  std::byte* end() const { return begin() + size_bytes_; }

 private:
  std::size_t page_bytes_;
  std::size_t size_bytes_;
  std::byte* memory_;
};

// Numbers of the dtype, its floating point ones finite.
std::vector<std::byte> random_rows(gm_dtype dtype, std::int64_t elements) {
  std::mt19937_64 random(static_cast<std::uint64_t>(elements));
  std::vector<std::byte> bytes(static_cast<std::size_t>(elements * kernel::dtype_bytes(dtype)));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  if (dtype != GM_FLOAT32 && dtype != GM_FLOAT64) return bytes;
  std::normal_distribution<double> normal(100, 3);
  for (std::size_t i = 0; i < static_cast<std::size_t>(elements); ++i) {
    const double wide = normal(random);
    const auto narrow = static_cast<float>(wide);
    if (dtype == GM_FLOAT64) std::memcpy(&bytes[i * sizeof wide], &wide, sizeof wide);
    if (dtype == GM_FLOAT32) std::memcpy(&bytes[i * sizeof narrow], &narrow, sizeof narrow);
  }
  return bytes;
}

std::vector<ColumnMoments> moments_of(const ColumnMomentsLoops& loops, gm_dtype dtype,
                                      const void* data, std::int64_t rows, std::int64_t columns) {
  std::vector<ColumnMoments> moments(static_cast<std::size_t>(columns));
  loops.add[dtype](data, rows, columns, moments.data());
  return moments;
}

bool same_bits(const std::vector<ColumnMoments>& a, const std::vector<ColumnMoments>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(ColumnMoments)) == 0;
}

class ColumnMomentsTest : public testing::TestWithParam<const ColumnMomentsLoops*> {
 protected:
  static std::vector<ColumnMoments> by_baseline(gm_dtype dtype, const void* data, std::int64_t rows,
                                                std::int64_t columns) {
    return moments_of(kColumnMomentsBaseline, dtype, data, rows, columns);
  }
  const ColumnMomentsLoops& loops() const { return *GetParam(); }
};

TEST_P(ColumnMomentsTest, ReadsNothingAroundTheArray) {
  constexpr std::int64_t kMostRows = 67;
  const GuardedMemory memory(kMostRows * kWidest * sizeof(double));
  for (const gm_dtype dtype : kDtypes) {
    for (std::int64_t columns = 1; columns <= kWidest; ++columns) {
      for (const std::int64_t rows : {1, 2, 3, 5, 8, 31, 32, 33, 64, 67}) {
        const std::vector<std::byte> data = random_rows(dtype, rows * columns);
        std::byte* at_end = memory.end() - data.size();
        std::copy(data.begin(), data.end(), at_end);
        const auto expected = by_baseline(dtype, data.data(), rows, columns);
        ASSERT_TRUE(same_bits(moments_of(loops(), dtype, at_end, rows, columns), expected));
        std::copy(data.begin(), data.end(), memory.begin());
        ASSERT_TRUE(same_bits(moments_of(loops(), dtype, memory.begin(), rows, columns), expected));
      }
    }
  }
}

TEST_P(ColumnMomentsTest, ReadsNothingBehindAnArrayOfSeveralBlocks) {
  constexpr std::int64_t kBlock = 16384;
  const GuardedMemory memory(4 * kBlock * sizeof(double));
  for (const std::int64_t columns : {1, 2, 3, 17, 31, 32, 33, 69}) {
    const std::int64_t block = kBlock / std::min(columns, std::int64_t{32});
    for (const std::int64_t rows : {block - 1, block, block + 1}) {
      const std::vector<std::byte> data = random_rows(GM_FLOAT64, rows * columns);
      std::byte* at_end = memory.end() - data.size();
      std::copy(data.begin(), data.end(), at_end);
      ASSERT_TRUE(same_bits(moments_of(loops(), GM_FLOAT64, at_end, rows, columns),
                            by_baseline(GM_FLOAT64, data.data(), rows, columns)));
    }
  }
}

TEST_P(ColumnMomentsTest, NanAndInfinitiesHaveTheSameBits) {
  for (const std::int64_t columns : {1, 2, 3, 5, 16, 32, 33, 70}) {
    for (const auto& [first, second] : {std::pair{kNan, 1.0},
                                        {1.0, kNan},
                                        {kInf, 1.0},
                                        {-kInf, kInf},
                                        {kInf, kInf},
                                        {-kNan, kInf},
                                        {kInf, kNan}}) {
      for (const std::int64_t row : {0, 3, 98}) {
        const std::int64_t rows = 100;
        std::vector<double> data(static_cast<std::size_t>(rows * columns), 2.5);
        data[static_cast<std::size_t>(row * columns + columns / 2)] = first;
        data[static_cast<std::size_t>((row + 1) * columns + columns / 2)] = second;
        EXPECT_TRUE(same_bits(moments_of(loops(), GM_FLOAT64, data.data(), rows, columns),
                              by_baseline(GM_FLOAT64, data.data(), rows, columns)))
            << first << " and " << second << " in row " << row << " of " << columns;
      }
    }
  }
}

TEST_P(ColumnMomentsTest, NoRowsAddNothing) {
  const double unused = 0;
  for (const gm_dtype dtype : kDtypes) {
    const auto moments = moments_of(loops(), dtype, &unused, 0, 3);
    EXPECT_TRUE(same_bits(moments, std::vector<ColumnMoments>(3)));
  }
}

TEST_P(ColumnMomentsTest, RowsAreAddedToWhatIsThere) {
  const std::vector<double> data = {1, 2, 3, 6};
  std::vector<ColumnMoments> moments(1);
  loops().add[GM_FLOAT64](data.data(), 2, 1, moments.data());
  loops().add[GM_FLOAT64](data.data() + 2, 2, 1, moments.data());
  EXPECT_EQ(moments[0].count, 4);
  EXPECT_EQ(moments[0].mean, 3);
  EXPECT_EQ(moments[0].squares, 14);
  EXPECT_EQ(moments[0].min, 1);
  EXPECT_EQ(moments[0].max, 6);
}

TEST_P(ColumnMomentsTest, DtypesWithoutAnOrderAreLeftOut) {
  for (const gm_dtype dtype : {GM_BOOL, GM_FLOAT16, GM_COMPLEX64, GM_COMPLEX128}) {
    EXPECT_EQ(loops().add[dtype], nullptr);
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, ColumnMomentsTest,
                         testing::ValuesIn(supported_column_moments().begin(),
                                           supported_column_moments().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

TEST(ColumnMomentsMergeTest, NothingAddsNothing) {
  const ColumnMoments some{2, 1.5, 0, 0.5, 1, 2};
  ColumnMoments into = some;
  merge(into, {});
  EXPECT_EQ(std::memcmp(&into, &some, sizeof some), 0);
  ColumnMoments empty{};
  merge(empty, some);
  EXPECT_EQ(std::memcmp(&empty, &some, sizeof some), 0);
}

TEST(ColumnMomentsMergeTest, AMeanKeepsMoreDigitsThanANumberHas) {
  // 1e9 and twice 1e9 + 0.25: the mean is a sixth beyond 1e9, to within a number's rounding there.
  ColumnMoments moments{1, 1e9, 0, 0, 1e9, 1e9};
  merge(moments, {2, 1e9 + 0.25, 0, 0, 1e9 + 0.25, 1e9 + 0.25});
  EXPECT_NEAR((moments.mean - 1e9) + moments.mean_rest, 1.0 / 6, 1e-16);
  EXPECT_NEAR(moments.squares, 1.0 / 24, 1e-16);
}

TEST(ExactSumTest, TheRestIsWhatTheSumLeavesOut) {
  EXPECT_EQ(exact_sum(1, 0x1p-60).sum, 1.0);
  EXPECT_EQ(exact_sum(1, 0x1p-60).rest, 0x1p-60);
  EXPECT_EQ(exact_sum(-0x1p-60, 1).rest, -0x1p-60);
  EXPECT_EQ(exact_sum(1, 2).rest, 0);
}

TEST(ExactSumTest, WhatIsNotFiniteHasNoRest) {
  EXPECT_EQ(exact_sum(kInf, 1).rest, 0);
  EXPECT_EQ(exact_sum(kInf, -kInf).rest, 0);
  EXPECT_EQ(exact_sum(1.5e308, 1.5e308).sum, kInf);
  EXPECT_EQ(exact_sum(1.5e308, 1.5e308).rest, 0);
}

}  // namespace
}  // namespace gristmill::kernels
