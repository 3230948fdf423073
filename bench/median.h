#pragma once

#include <vector>

namespace gristmill::bench {

// Both require: values is not empty.
// The smallest value that at least this part of all values does not exceed. Requires: 0 < part
// <= 1.
double quantile(std::vector<double> values, double part);
// The mean of the middle two for an even number.
double median(std::vector<double> values);

// Of values[i] / to[i]: what disturbs a round disturbs both. Requires: as many of both.
double median_ratio(const std::vector<double>& values, const std::vector<double>& to);

}  // namespace gristmill::bench
