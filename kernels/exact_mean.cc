#include "kernels/exact_mean.h"

namespace gristmill::kernels {

double exact_mean(SignedWide sum, std::int64_t count) {
  const auto divisor = static_cast<double>(count);
  constexpr SignedWide kExact = SignedWide{1} << 53;
  if (sum >= -kExact && sum <= kExact) return static_cast<double>(sum) / divisor;
  const SignedWide whole = sum / count;
  return static_cast<double>(whole) + static_cast<double>(sum - whole * count) / divisor;
}

}  // namespace gristmill::kernels
