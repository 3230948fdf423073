#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "bench/noise.h"
#include "bench/options.h"

namespace gristmill::bench {

// One of the ways that are compared. run measures itself once; values has what it answered in the
// rounds that count.
struct Contender {
  std::string name;
  std::function<double()> run;
  std::vector<double> values = {};
};

// How disturbed a measurement was.
struct Quality {
  int rounds = 0;
  int thrown_away = 0;
  bool noisy = false;  // too few quiet rounds: the quietest had to do
  Noise worst = {};    // among the rounds that count
};

// A round with more foreign CPU time or steal than this does not count.
inline constexpr double kMostNoise = 0.06;

// Runs all contenders in turns, until that many rounds were quiet or three times as many were
// tried; then the quietest count, and the quality is `noisy`. In a smoke run: one round, and it
// counts. Before each contender is a gap, as threads of the one before may spin for a while yet.
Quality run_in_turns(std::vector<Contender>& contenders, int rounds, const Options& options);

// Seconds that a function takes.
template <class Function>
double seconds_of(const Function& function) {
  const auto start = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace gristmill::bench
