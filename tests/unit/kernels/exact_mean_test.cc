#include "kernels/exact_mean.h"

#include <gtest/gtest.h>

namespace gristmill::kernels {
namespace {

TEST(ExactMeanTest, SmallSumsAreRoundedOnce) {
  EXPECT_EQ(exact_mean(0, 7), 0);
  EXPECT_EQ(exact_mean(1, 3), 1.0 / 3);
  EXPECT_EQ(exact_mean(-22, 7), -22.0 / 7);
  EXPECT_EQ(exact_mean((SignedWide{1} << 53) - 1, 2), 4503599627370495.5);
}

TEST(ExactMeanTest, SumsBeyondFloat64KeepTheirDigits) {
  const SignedWide large = SignedWide{1} << 62;
  EXPECT_EQ(exact_mean(3 * large, 3), 0x1p62);
  EXPECT_EQ(exact_mean(-5 * large, 5), -0x1p62);
  // A third beyond 1000, a trillion times: the sum has more digits than a float64.
  const SignedWide many = SignedWide{3'000'000'000'001};
  EXPECT_EQ(exact_mean(many * 1000 + many / 3, 3'000'000'000'001),
            1000 + 1'000'000'000'000.0 / 3'000'000'000'001.0);
  EXPECT_EQ(exact_mean((SignedWide{1} << 126) + (SignedWide{1} << 62), std::int64_t{1} << 62),
            0x1p64);
}

}  // namespace
}  // namespace gristmill::kernels
