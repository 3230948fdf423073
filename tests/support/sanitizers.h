#pragma once

namespace gristmill::test {

// What the compiler built this test with: for sizes that suit it, and for tests that one of them
// cannot judge.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
#ifdef __SANITIZE_THREAD__
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
inline constexpr bool kSanitized = kAddressSanitizer || kThreadSanitizer;
#ifdef NDEBUG
inline constexpr bool kOptimized = !kSanitized;
#else
inline constexpr bool kOptimized = false;
#endif

// A number of repetitions: as given in an optimised build, fewer where they take longer.
constexpr long scaled(long count) {
  if (kSanitized) return count / 20 + 1;
  return kOptimized ? count : count / 4 + 1;
}

}  // namespace gristmill::test
