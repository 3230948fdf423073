#include "bench/rounds.h"

#include <algorithm>
#include <thread>

namespace gristmill::bench {
namespace {

constexpr std::chrono::milliseconds kGap{30};
constexpr int kTriesPerRound = 3;

struct Round {
  std::vector<double> values;  // one per contender
  Noise noise;
};

Round run_round(const std::vector<Contender>& contenders) {
  Round round;
  const CpuReading start = CpuReading::now();
  for (const Contender& contender : contenders) {
    std::this_thread::sleep_for(kGap);
    round.values.push_back(contender.run());
  }
  round.noise = CpuReading::now().since(start);
  return round;
}

}  // namespace

Quality run_in_turns(std::vector<Contender>& contenders, int rounds, const Options& options) {
  const auto wanted = static_cast<std::size_t>(options.smoke ? 1 : rounds);
  const std::size_t tries = options.smoke ? 1 : wanted * kTriesPerRound;
  std::vector<Round> all;
  std::size_t quiet = 0;
  while (quiet < wanted && all.size() < tries) {
    all.push_back(run_round(contenders));
    if (all.back().noise.worst() <= kMostNoise) ++quiet;
  }
  std::stable_sort(all.begin(), all.end(), [](const Round& a, const Round& b) {
    return a.noise.worst() < b.noise.worst();
  });
  Quality quality{static_cast<int>(wanted), static_cast<int>(all.size() - wanted), quiet < wanted};
  all.resize(wanted);
  for (const Round& round : all) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      contenders[i].values.push_back(round.values[i]);
    }
    quality.worst.foreign = std::max(quality.worst.foreign, round.noise.foreign);
    quality.worst.steal = std::max(quality.worst.steal, round.noise.steal);
  }
  return quality;
}

}  // namespace gristmill::bench
