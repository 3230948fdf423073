#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gristmill::bench {

struct Points {
  std::int64_t rows;
  std::int64_t columns;
  std::vector<double> values;
};

// Reads a two-dimensional float64 .npy file of format 1.0, and no other. Errors:
// std::runtime_error.
Points read_npy_points(const std::string& path);

}  // namespace gristmill::bench
