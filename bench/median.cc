#include "bench/median.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace gristmill::bench {

double quantile(std::vector<double> values, double part) {
  assert(!values.empty() && part > 0 && part <= 1);
  std::sort(values.begin(), values.end());
  const double count = static_cast<double>(values.size());
  return values[static_cast<std::size_t>(std::ceil(part * count)) - 1];
}

double median(std::vector<double> values) {
  assert(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double median_ratio(const std::vector<double>& values, const std::vector<double>& to) {
  assert(values.size() == to.size());
  std::vector<double> ratios;
  for (std::size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / to[i]);
  return median(ratios);
}

}  // namespace gristmill::bench
