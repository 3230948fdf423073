#include "kernels/instruction_set.h"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {
namespace {

#ifdef __x86_64__
// By features, because Clang 14 does not know the levels by name. No CPU has these without the rest
// of their level.
bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

std::vector<const Pairwise*> detect() {
  std::vector<const Pairwise*> found;
#ifdef __x86_64__
  if (has_v4()) found.push_back(&kPairwiseV4);
  if (has_v3()) found.push_back(&kPairwiseV3);
#endif
  found.push_back(&kPairwiseBaseline);
  return found;
}

// "x86-64-v4" is called v4 for short.
bool is_called(const Pairwise& pairwise, std::string_view name) {
  const std::string_view full = pairwise.instruction_set;
  return full == name || full == "x86-64-" + std::string(name);
}

}  // namespace

std::span<const Pairwise* const> supported_pairwise() {
  static const std::vector<const Pairwise*> kSupported = detect();
  return kSupported;
}

const Pairwise& chosen_pairwise() {
  const char* wanted = std::getenv("GRISTMILL_INSTRUCTION_SET");
  if (wanted == nullptr || *wanted == '\0') return *supported_pairwise().front();
  std::string known;
  for (const Pairwise* pairwise : supported_pairwise()) {
    if (is_called(*pairwise, wanted)) return *pairwise;
    known += (known.empty() ? "" : ", ") + std::string(pairwise->instruction_set);
  }
  throw kernel::Invalid(
      std::string("GRISTMILL_INSTRUCTION_SET is \"") + wanted + "\", which this CPU cannot run",
      "It can run " + known + ".");
}

}  // namespace gristmill::kernels
