#include "kernels/grouping.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gristmill::kernels {
namespace {

// As in column_moments_loops.h: from ten standard deviations on a shift is too far off.
constexpr double kFarOff = 0.99;

// If sums by differences to the first number do not do, prepares for those to the mean.
bool needs_again(ShiftedGroup& group) {
  const double off = group.sum / static_cast<double>(group.count);
  const double mean = group.shift + off;
  if (std::isfinite(mean) && group.sum * off <= kFarOff * group.squares) return false;
  group.shift = mean;
  group.sum = group.squares = 0;
  group.again = 1;
  return true;
}

FloatGroup summed(const ShiftedGroup& group) {
  const double off = group.sum / static_cast<double>(group.count);
  const ExactSum mean = exact_sum(group.shift, off);
  FloatGroup result{
      {group.count, mean.sum, mean.rest, group.squares - group.sum * off, group.min, group.max},
      group.above};
  ColumnMoments& moments = result.moments;
  if (group.again == 2) {
    moments.mean = moments.squares = moments.min = moments.max = NAN;
  } else if (std::isinf(group.min) || std::isinf(group.max)) {
    moments.mean = group.min + group.max;
    moments.squares = NAN;
  }
  return result;
}

}  // namespace

void merge(IntegerGroup& into, const IntegerGroup& from) {
  if (from.count == 0) return;
  if (into.count == 0) {
    into = from;
    return;
  }
  into.count += from.count;
  into.above += from.above;
  into.min = std::min(into.min, from.min);
  into.max = std::max(into.max, from.max);
  into.sum += from.sum;
  into.squares += from.squares;
  into.squares_carried += from.squares_carried + (into.squares < from.squares ? 1 : 0);
}

void merge(FloatGroup& into, const FloatGroup& from) {
  merge(into.moments, from.moments);
  into.above += from.above;
}

// Around a whole number q near the mean they are squares - q (sum + rest), with sum = q count +
// rest. That product is not negative, all of it is exact, and what remains to be subtracted,
// rest^2 / count, is at most half of it.
double squared_deviations(const IntegerGroup& group) {
  const SignedWide count = group.count;
  SignedWide near = group.sum / count;
  SignedWide rest = group.sum - near * count;
  if (2 * rest > count) {
    ++near;
    rest -= count;
  } else if (2 * rest < -count) {
    --near;
    rest += count;
  }
  const auto size = [](SignedWide number) {
    return number < 0 ? -static_cast<Wide>(number) : static_cast<Wide>(number);
  };
  const Wide factor = size(near);  // below 2^64
  const Wide other = size(group.sum + rest);
  const Wide upper = factor * (other >> 64);
  const Wide lower = factor * static_cast<std::uint64_t>(other);
  const Wide product = lower + (upper << 64);
  const std::int64_t carried = static_cast<std::int64_t>(upper >> 64) + (product < lower ? 1 : 0);
  const Wide left = group.squares - product;
  const std::int64_t left_carried =
      group.squares_carried - carried - (group.squares < product ? 1 : 0);
  const auto rounded_rest = static_cast<double>(rest);
  return static_cast<double>(left_carried) * 0x1p128 + static_cast<double>(left) -
         rounded_rest * rounded_rest / static_cast<double>(group.count);
}

std::int64_t add_float_rows(const GroupingLoops& loops, gm_dtype dtype, const GroupedRows& rows,
                            double threshold, ShiftedGroup* shifted, FloatGroup* groups) {
  ShiftedGroup* const end = shifted + rows.groups;
  const std::int64_t done = loops.add_floats[dtype](rows, threshold, shifted);
  const bool complete = done == rows.count;
  bool any_again = false;
  for (ShiftedGroup* group = shifted; group != end && complete; ++group) {
    if (group->count > 0 && needs_again(*group)) any_again = true;
  }
  if (any_again) loops.add_again[dtype](rows, shifted);
  for (ShiftedGroup* group = shifted; group != end; ++group) {
    if (group->count == 0) continue;
    if (complete) merge(groups[group - shifted], summed(*group));
    *group = {};
  }
  return done;
}

}  // namespace gristmill::kernels
