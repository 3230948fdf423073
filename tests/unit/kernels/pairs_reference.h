#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/plugin_job.h"

namespace gristmill::test {

// Points as rows.
struct PointTable {
  std::int64_t columns;
  std::vector<double> values;

  std::int64_t rows() const { return static_cast<std::int64_t>(values.size()) / columns; }
  gm_array array() const { return bench::array_of(values, {rows(), columns}); }
};

// What the pairwise kernels answer, by plain scalar loops and the C library.
struct PairsResult {
  std::vector<double> mean;
  std::vector<double> max;
  std::vector<std::int64_t> index;
  std::vector<double> distance;
};
PairsResult reference(const std::string& metric, const PointTable& points,
                      const std::optional<PointTable>& targets = std::nullopt);

// The same by the kernels of this program. chunk_size 0: all in one.
PairsResult by_kernels(const std::string& metric, const PointTable& points,
                       const std::optional<PointTable>& targets = std::nullopt,
                       std::int64_t chunk_size = 0);
// A view of all but the kernel's name.
bench::PluginRequest pairs_request(const std::string& kernel, const char* metric,
                                   const PointTable& points,
                                   const std::optional<PointTable>& targets = std::nullopt);

// Uniform on the sphere, in degrees; uniform in the unit cube. Always the same for the same count.
PointTable random_places(std::int64_t rows);
PointTable random_cube(std::int64_t rows, std::int64_t columns);

// Fails the test unless they agree: distances within 1e-12 relative or absolute_tolerance, and
// indices.
void expect_close(const PairsResult& actual, const PairsResult& expected,
                  double absolute_tolerance = 1e-9);
// Fails the test unless all bits are the same.
void expect_same_bits(const PairsResult& actual, const PairsResult& expected);

}  // namespace gristmill::test
