#include "kernels/column_moments.h"

#include <algorithm>
#include <cmath>

namespace gristmill::kernels {
namespace {

bool any_nan(double a, double b) { return std::isnan(a) || std::isnan(b); }

// a and b: the counts. Requires: finite means.
void merge_means(ColumnMoments& into, const ColumnMoments& from, double a, double b) {
  const double difference = (from.mean - into.mean) + (from.mean_rest - into.mean_rest);
  const ExactSum mean = exact_sum(into.mean, difference * (b / (a + b)));
  const ExactSum rounded = exact_sum(mean.sum, mean.rest + into.mean_rest);
  into.mean = rounded.sum;
  into.mean_rest = rounded.rest;
  into.squares += from.squares + difference * difference * (a * b / (a + b));
}

}  // namespace

ExactSum exact_sum(double a, double b) {
  const double sum = a + b;
  if (!std::isfinite(sum)) return {sum, 0};
  const double added = sum - a;
  return {sum, (a - (sum - added)) + (b - added)};
}

void merge(ColumnMoments& into, const ColumnMoments& from) {
  if (from.count == 0) return;
  if (into.count == 0) {
    into = from;
    return;
  }
  if (std::isfinite(into.mean) && std::isfinite(from.mean)) {
    merge_means(into, from, static_cast<double>(into.count), static_cast<double>(from.count));
  } else {
    into.mean += from.mean;  // an infinity, or NaN
    into.mean_rest = 0;
    into.squares = NAN;
  }
  into.count += from.count;
  into.min = any_nan(into.min, from.min) ? NAN : std::min(into.min, from.min);
  into.max = any_nan(into.max, from.max) ? NAN : std::max(into.max, from.max);
}

double standard_deviation(double squares, int64_t count, int64_t ddof) {
  // Not as integers: any ddof may be asked for, and their difference may be none.
  const double freedom = static_cast<double>(count) - static_cast<double>(ddof);
  return count > 0 && freedom > 0 ? std::sqrt(squares / freedom) : NAN;
}

}  // namespace gristmill::kernels
