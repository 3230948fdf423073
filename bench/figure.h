#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/rounds.h"

namespace gristmill::bench {

struct Target {
  enum class Bound { kAtMost, kAtLeast };
  Bound bound;
  double limit;

  bool met_by(double value) const {
    return bound == Bound::kAtMost ? value <= limit : value >= limit;
  }
};

inline Target at_most(double limit) { return {Target::Bound::kAtMost, limit}; }
inline Target at_least(double limit) { return {Target::Bound::kAtLeast, limit}; }

// One line of the table.
struct Figure {
  std::string what;
  double value;
  std::string unit;              // empty: a ratio
  std::optional<Target> target;  // none: stated, not judged
  std::string note;              // what it was measured against, and where the data was
  Quality quality = {};
  // Further numbers of the same measurement, by a name with its unit.
  std::vector<std::pair<std::string, double>> details = {};
};

// "ok", "missed"; "noisy" if the machine was never quiet, whatever the value; "smoke" in a smoke
// run; "-" without a target.
std::string status_of(const Figure& figure, const Options& options);

void print_figures(const std::vector<Figure>& figures, const Options& options);
// Errors: std::runtime_error.
void write_json(const std::vector<Figure>& figures, const Options& options);

}  // namespace gristmill::bench
