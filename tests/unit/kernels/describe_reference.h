#pragma once

#include <cstdint>
#include <vector>

#include "bench/plugin_job.h"

namespace gristmill::test {

// What describe answers, of each column.
struct Summary {
  std::vector<std::int64_t> count;
  std::vector<double> mean;
  std::vector<double> std;
  std::vector<double> min;
  std::vector<double> max;
};

// By two passes in long double. Requires: columns > 0.
Summary expected_summary(const std::vector<double>& rows, std::int64_t columns,
                         std::int64_t ddof = 0);

// How describe is run, where that should make no difference.
struct Cut {
  std::int64_t chunk_size = INT64_MAX;
  std::size_t merged_at_once = 4096;
};

// By the kernel of this program, whose instruction set the environment chooses.
Summary described(const gm_array& rows, std::int64_t ddof = 0, const Cut& cut = {});
Summary described(const std::vector<double>& rows, std::int64_t columns, std::int64_t ddof = 0,
                  const Cut& cut = {});
bench::PluginRequest describe_request(const gm_array& rows, std::int64_t ddof = 0);

// Around 0, from -1 to 1. Always the same for the same count.
std::vector<double> random_numbers(std::int64_t count);

// Fails the test unless they agree: counts, minima and maxima exactly, means and deviations within
// 1e-12 relative.
void expect_close(const Summary& actual, const Summary& expected);
// Fails the test unless all bits are the same.
void expect_same_bits(const Summary& actual, const Summary& expected);

}  // namespace gristmill::test
