#pragma once

namespace gristmill::test {

// Sanitizers take memory of their own, and make other endings of some faults.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace gristmill::test
