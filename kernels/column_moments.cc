#include "kernels/column_moments.h"

#include <algorithm>
#include <cmath>

namespace gristmill::kernels {
namespace {

bool any_nan(double a, double b) { return std::isnan(a) || std::isnan(b); }

}  // namespace

void merge(ColumnMoments& into, const ColumnMoments& from) {
  if (from.count == 0) return;
  if (into.count == 0) {
    into = from;
    return;
  }
  const auto a = static_cast<double>(into.count);
  const auto b = static_cast<double>(from.count);
  const double difference = from.mean - into.mean;
  into.count += from.count;
  into.mean += difference * (b / (a + b));
  into.squares += from.squares + difference * difference * (a * b / (a + b));
  into.min = any_nan(into.min, from.min) ? NAN : std::min(into.min, from.min);
  into.max = any_nan(into.max, from.max) ? NAN : std::max(into.max, from.max);
}

}  // namespace gristmill::kernels
