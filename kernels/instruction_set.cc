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

template <class Loops>
std::vector<const Loops*> detect(const Loops& baseline, [[maybe_unused]] const Loops* v3,
                                 [[maybe_unused]] const Loops* v4) {
  std::vector<const Loops*> found;
#ifdef __x86_64__
  if (has_v4()) found.push_back(v4);
  if (has_v3()) found.push_back(v3);
#endif
  found.push_back(&baseline);
  return found;
}

#ifdef __x86_64__
#define GRISTMILL_DETECT(loops) detect(loops##Baseline, &loops##V3, &loops##V4)
#else
#define GRISTMILL_DETECT(loops) detect(loops##Baseline, nullptr, nullptr)
#endif

// "x86-64-v4" is called v4 for short.
bool is_called(std::string_view instruction_set, std::string_view name) {
  return instruction_set == name || instruction_set == "x86-64-" + std::string(name);
}

template <class Loops>
const Loops& chosen_of(std::span<const Loops* const> supported) {
  const char* wanted = std::getenv("GRISTMILL_INSTRUCTION_SET");
  if (wanted == nullptr || *wanted == '\0') return *supported.front();
  std::string known;
  for (const Loops* loops : supported) {
    if (is_called(loops->instruction_set, wanted)) return *loops;
    known += (known.empty() ? "" : ", ") + std::string(loops->instruction_set);
  }
  throw kernel::Invalid(
      std::string("GRISTMILL_INSTRUCTION_SET is \"") + wanted + "\", which this CPU cannot run",
      "It can run " + known + ".");
}

}  // namespace

std::span<const Pairwise* const> supported_pairwise() {
  static const std::vector<const Pairwise*> kSupported = GRISTMILL_DETECT(kPairwise);
  return kSupported;
}

std::span<const ColumnMomentsLoops* const> supported_column_moments() {
  static const std::vector<const ColumnMomentsLoops*> kSupported = GRISTMILL_DETECT(kColumnMoments);
  return kSupported;
}

std::span<const BootstrapLoops* const> supported_bootstrap() {
  static const std::vector<const BootstrapLoops*> kSupported = GRISTMILL_DETECT(kBootstrap);
  return kSupported;
}

std::span<const WindowLoops* const> supported_window() {
  static const std::vector<const WindowLoops*> kSupported = GRISTMILL_DETECT(kWindow);
  return kSupported;
}

std::span<const BinningLoops* const> supported_binning() {
  static const std::vector<const BinningLoops*> kSupported = GRISTMILL_DETECT(kBinning);
  return kSupported;
}

std::span<const GroupingLoops* const> supported_grouping() {
  static const std::vector<const GroupingLoops*> kSupported = GRISTMILL_DETECT(kGrouping);
  return kSupported;
}

std::span<const ClusteringLoops* const> supported_clustering() {
  static const std::vector<const ClusteringLoops*> kSupported = GRISTMILL_DETECT(kClustering);
  return kSupported;
}

const Pairwise& chosen_pairwise() { return chosen_of(supported_pairwise()); }
const ColumnMomentsLoops& chosen_column_moments() { return chosen_of(supported_column_moments()); }
const BootstrapLoops& chosen_bootstrap() { return chosen_of(supported_bootstrap()); }
const WindowLoops& chosen_window() { return chosen_of(supported_window()); }
const BinningLoops& chosen_binning() { return chosen_of(supported_binning()); }
const GroupingLoops& chosen_grouping() { return chosen_of(supported_grouping()); }
const ClusteringLoops& chosen_clustering() { return chosen_of(supported_clustering()); }

}  // namespace gristmill::kernels
