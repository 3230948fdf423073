#include "kernels/binning.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {
namespace {

std::string text_of(double number) {
  char text[32];
  return {text, std::to_chars(std::begin(text), std::end(text), number).ptr};
}

void require_finite(const char* name, double value) {
  if (std::isfinite(value)) return;
  throw kernel::Invalid(std::string("parameter \"") + name + "\" is " + text_of(value) +
                        ", which is not finite");
}

// From a number of that size to the next.
double spacing(double number, bool narrow) {
  if (narrow) {
    const auto rounded = static_cast<float>(number);
    return static_cast<double>(std::nextafter(rounded, HUGE_VALF)) - static_cast<double>(rounded);
  }
  return std::nextafter(number, HUGE_VAL) - number;
}

bool edges_differ(const Bins& bins) {
  for (std::int64_t i = 0; i < bins.count; ++i) {
    if (!(edge(bins, i) < edge(bins, i + 1))) return false;
  }
  return true;
}

}  // namespace

double edge(const Bins& bins, std::int64_t i) {
  if (i == bins.count) return bins.last;
  const double wide = static_cast<double>(i) * bins.step + bins.low;
  return bins.narrow ? static_cast<double>(static_cast<float>(wide)) : wide;
}

Bins make_bins(std::int64_t count, double low, double high, gm_dtype dtype) {
  if (count < 1 || count > kMostBins) {
    throw kernel::Invalid("parameter \"bins\" is " + std::to_string(count) + ", not from 1 to " +
                          std::to_string(kMostBins));
  }
  require_finite("low", low);
  require_finite("high", high);
  if (low >= high) {
    throw kernel::Invalid("parameter \"low\" is " + text_of(low) + ", not below \"high\", " +
                          text_of(high));
  }
  const auto in_float32 = [](double edge) { return static_cast<float>(edge); };
  const bool narrow =
      dtype == GM_FLOAT32 && std::isfinite(in_float32(low)) && std::isfinite(in_float32(high));
  const auto bin_count = static_cast<double>(count);
  Bins bins{low,
            (high - low) / bin_count,
            bin_count / (high - low),
            low,
            high,
            static_cast<std::int32_t>(count),
            narrow,
            false};
  if (narrow) {
    bins.first = static_cast<double>(in_float32(low));
    bins.last = static_cast<double>(in_float32(high));
  }
  const double largest_spacing = spacing(std::max(std::abs(low), std::abs(high)), narrow);
  bins.tiny = bins.step < 16 * largest_spacing;
  if (!std::isfinite(high - low) || !std::isfinite(bins.per_unit) ||
      bins.step < largest_spacing / 4 || (bins.tiny && !edges_differ(bins))) {
    throw kernel::Invalid(std::to_string(count) + " bins from " + text_of(low) + " to " +
                              text_of(high) + " have no edges in " +
                              (narrow ? "float32" : "float64"),
                          "Ask for fewer bins, or another range.");
  }
  return bins;
}

}  // namespace gristmill::kernels
